use std::fmt;

use uuid::Uuid;

/// A value of a column that rows are sorted by, exactly as the database has it.
///
/// It is bound to a statement and never written into one.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// No value.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number; a time as a number of seconds, milliseconds or microseconds is one.
    Int(i64),
    /// A text. Also what is exact as a text only: decimals, and times through a [cast](crate::Column::cast). How long
    /// one may be is said by [`max_len`](crate::CursorsBuilder::max_len).
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A UUID. Where the database has no such type, its 16 bytes.
    Uuid(Uuid),
    /// A number that has been rounded. See [`Float`].
    Float(f64),
}

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// [`Value::Bool`].
    Bool,
    /// [`Value::Int`].
    Int,
    /// [`Value::Text`].
    Text,
    /// [`Value::Bytes`].
    Bytes,
    /// [`Value::Uuid`].
    Uuid,
    /// [`Value::Float`].
    Float,
}

impl Value {
    /// Nothing for [`Value::Null`], which is of every kind.
    pub const fn kind(&self) -> Option<Kind> {
        Some(match self {
            Self::Null => return None,
            Self::Bool(_) => Kind::Bool,
            Self::Int(_) => Kind::Int,
            Self::Text(_) => Kind::Text,
            Self::Bytes(_) => Kind::Bytes,
            Self::Uuid(_) => Kind::Uuid,
            Self::Float(_) => Kind::Float,
        })
    }

    /// Is it [`Value::Null`]?
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

macro_rules! value_from {
    ($($from:ty => $kind:ident),* $(,)?) => {$(
        impl From<$from> for Value {
            fn from(value: $from) -> Self {
                Self::$kind(value.into())
            }
        }
    )*};
}

value_from! {
    bool => Bool,
    i64 => Int,
    i32 => Int,
    u32 => Int,
    &str => Text,
    String => Text,
    Vec<u8> => Bytes,
    Uuid => Uuid,
    Float => Float,
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, T::into)
    }
}

impl Kind {
    /// A number for each, for fingerprints. Never changed.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Bool => 0,
            Self::Int => 1,
            Self::Text => 2,
            Self::Bytes => 3,
            Self::Uuid => 4,
            Self::Float => 5,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Text => "text",
            Self::Bytes => "bytes",
            Self::Uuid => "uuid",
            Self::Float => "float",
        })
    }
}

/// What a field of a [`Keyset`](crate::Keyset) may be: `bool`, `i64`, `i32`, `u32`, `String`, `Vec<u8>`,
/// [`Uuid`], [`Float`], and an `Option` of these where the column has nulls.
pub trait KeyField: Sized {
    /// What its values are.
    const KIND: Kind;
    /// Whether there may be none.
    const NULLABLE: bool;

    /// Its value.
    fn into_value(self) -> Value;

    /// Back again; nothing if it is of another kind or out of range.
    fn from_value(value: Value) -> Option<Self>;
}

macro_rules! key_fields {
    ($($field:ty => $kind:ident),* $(,)?) => {$(
        impl KeyField for $field {
            const KIND: Kind = Kind::$kind;
            const NULLABLE: bool = false;

            fn into_value(self) -> Value {
                Value::$kind(self.into())
            }

            fn from_value(value: Value) -> Option<Self> {
                match value {
                    Value::$kind(value) => value.try_into().ok(),
                    _ => None,
                }
            }
        }
    )*};
}

key_fields! {
    bool => Bool,
    i64 => Int,
    i32 => Int,
    u32 => Int,
    String => Text,
    Vec<u8> => Bytes,
    Uuid => Uuid,
    Float => Float,
}

impl<T: KeyField> KeyField for Option<T> {
    const KIND: Kind = T::KIND;
    const NULLABLE: bool = {
        assert!(!T::NULLABLE, "an Option of an Option has two kinds of nothing");
        true
    };

    fn into_value(self) -> Value {
        self.map_or(Value::Null, T::into_value)
    }

    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

/// A floating-point number to sort by, by choice.
///
/// Two rows may have the same number and two databases may round it differently, so a page may lack a row
/// or have it twice where a value is computed anew. Sort by a decimal as text, or by a whole number of the
/// smallest unit, wherever you can. What is not a number has no place in an order and is none.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Float(f64);

impl Float {
    /// Nothing if it is not a number. The zero with a sign is zero.
    pub fn new(number: f64) -> Option<Self> {
        // `-0.0 + 0.0` is `0.0`.
        (!number.is_nan()).then_some(Self(number + 0.0))
    }

    /// The number.
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl From<Float> for f64 {
    fn from(float: Float) -> Self {
        float.0
    }
}

impl TryFrom<f64> for Float {
    type Error = NotANumber;

    fn try_from(number: f64) -> Result<Self, NotANumber> {
        Self::new(number).ok_or(NotANumber)
    }
}

/// It is not a number, and has no place in an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotANumber;

impl fmt::Display for NotANumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a number")
    }
}

impl std::error::Error for NotANumber {}

#[cfg(test)]
mod tests {
    use super::*;

    fn round<T: KeyField + Clone + PartialEq + fmt::Debug>(field: T) {
        let value = field.clone().into_value();
        assert!(value.kind().is_none_or(|kind| kind == T::KIND));
        assert_eq!(T::from_value(value), Some(field));
    }

    #[test]
    fn fields_become_values_and_back() {
        round(true);
        round(i64::MIN);
        round(i32::MIN);
        round(u32::MAX);
        round("a\0\u{10ffff}".to_owned());
        round(vec![0_u8, 255]);
        round(Uuid::max());
        round(Float::new(f64::INFINITY).unwrap());
        round(None::<i64>);
        round(Some(7_i64));
    }

    #[test]
    fn a_value_of_another_kind_or_size_is_none() {
        assert_eq!(i32::from_value(Value::Int(1 << 31)), None);
        assert_eq!(u32::from_value(Value::Int(-1)), None);
        assert_eq!(i64::from_value(Value::Null), None);
        assert_eq!(i64::from_value(Value::Text("1".to_owned())), None);
        assert_eq!(Float::from_value(Value::Float(f64::NAN)), None);
        assert_eq!(Option::<i64>::from_value(Value::Bool(true)), None);
    }

    #[test]
    fn there_is_one_zero() {
        assert!(Float::new(-0.0).is_some_and(|zero| zero.get().is_sign_positive()));
        assert_eq!(Float::new(f64::NAN), None);
    }
}
