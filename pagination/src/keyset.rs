use crate::{Sort, Value};

/// A row's place in an order: the values of the columns that the order is made of.
///
/// Made by [`keyset!`](crate::keyset); or the values themselves, where an order is made at run time.
pub trait Place {
    /// The values, in the order of the columns.
    fn into_values(self) -> Vec<Value>;
}

impl Place for Vec<Value> {
    fn into_values(self) -> Vec<Value> {
        self
    }
}

/// A place in an order that is known when the program is compiled.
///
/// Made by [`keyset!`](crate::keyset), from one declaration.
pub trait Keyset: Place + Sized + Send + Sync + 'static {
    /// The order.
    fn sort() -> &'static Sort;

    /// The place of these values; nothing if they are not values of these columns.
    fn from_values(values: Vec<Value>) -> Option<Self>;
}

/// Declares the order of a list, once: a struct with a field for each column.
///
/// ```
/// use stonework_pagination::{Keyset, keyset};
/// use uuid::Uuid;
///
/// keyset! {
///     /// What is due first comes first, and what is never due last.
///     pub struct ByDue {
///         pub due: Option<i64> => asc nulls last,
///         pub id: Uuid => asc unique,
///     }
/// }
///
/// assert_eq!(ByDue::sort().columns()[0].name(), "due");
/// ```
///
/// After `=>` stands the direction, `asc` or `desc`; then, where they apply, `nulls first` or `nulls last`,
/// `unique`, `named "column"` if the select returns it by another name, and `cast "timestamptz"` if a text is
/// to be read as that type.
///
/// What can be no order does not compile: without a unique column at the end, rows that tie would be lost
/// or repeated between pages.
///
/// ```compile_fail
/// stonework_pagination::keyset! {
///     struct Tied {
///         created_at: i64 => desc,
///     }
/// }
/// ```
///
/// Nor does an `Option` without a place for nulls, nor a place for nulls that cannot be.
///
/// ```compile_fail
/// stonework_pagination::keyset! {
///     struct Nowhere {
///         due: Option<i64> => asc,
///         id: i64 => asc unique,
///     }
/// }
/// ```
#[macro_export]
macro_rules! keyset {
    (
        $(#[$attribute:meta])*
        $visible:vis struct $name:ident {
            $(
                $(#[$field_attribute:meta])*
                $field_visible:vis $field:ident : $type:ty => $($rule:ident $($text:literal)?)+
            ),+ $(,)?
        }
    ) => {
        $(#[$attribute])*
        $visible struct $name {
            $($(#[$field_attribute])* $field_visible $field: $type,)+
        }

        impl $crate::Place for $name {
            fn into_values(self) -> ::std::vec::Vec<$crate::Value> {
                ::std::vec![$($crate::KeyField::into_value(self.$field)),+]
            }
        }

        impl $crate::Keyset for $name {
            fn sort() -> &'static $crate::Sort {
                const COLUMNS: &[$crate::Column] =
                    &[$($crate::__column!($field: $type, $($rule $($text)?)+)),+];
                static SORT: $crate::Sort = $crate::Sort::checked(COLUMNS);
                // Looked at when it is compiled, and not when it is first used.
                const _: () = $crate::assert_sorted(COLUMNS);
                &SORT
            }

            fn from_values(
                values: ::std::vec::Vec<$crate::Value>,
            ) -> ::std::option::Option<Self> {
                let mut values = values.into_iter();
                let row = Self {
                    $($field: $crate::KeyField::from_value(values.next()?)?,)+
                };
                values.next().is_none().then_some(row)
            }
        }
    };
}

/// The column of a field.
#[doc(hidden)]
#[macro_export]
macro_rules! __column {
    ($field:ident : $type:ty, $($rule:ident $($text:literal)?)+) => {
        $crate::__rules!(
            $crate::Column::new(
                ::std::stringify!($field),
                <$type as $crate::KeyField>::KIND,
            ),
            $($rule $($text)?)+
        )
        .checked_nulls(<$type as $crate::KeyField>::NULLABLE)
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __rules {
    ($column:expr,) => { $column };
    ($column:expr, asc $($rest:tt)*) => { $crate::__rules!($column, $($rest)*) };
    ($column:expr, desc $($rest:tt)*) => { $crate::__rules!($column.desc(), $($rest)*) };
    ($column:expr, nulls first $($rest:tt)*) => {
        $crate::__rules!($column.nullable($crate::Nulls::First), $($rest)*)
    };
    ($column:expr, nulls last $($rest:tt)*) => {
        $crate::__rules!($column.nullable($crate::Nulls::Last), $($rest)*)
    };
    ($column:expr, unique $($rest:tt)*) => { $crate::__rules!($column.unique(), $($rest)*) };
    ($column:expr, named $name:literal $($rest:tt)*) => {
        $crate::__rules!($column.named($name), $($rest)*)
    };
    ($column:expr, cast $type:literal $($rest:tt)*) => {
        $crate::__rules!($column.cast($type), $($rest)*)
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Column, Kind, Nulls};

    crate::keyset! {
        #[derive(Clone, Debug, PartialEq)]
        struct Full {
            due: Option<i32> => desc nulls first,
            price: String => asc named "price_text" cast "numeric(20, 4)",
            id: i64 => desc unique,
        }
    }

    #[test]
    fn the_declaration_is_the_order() {
        let expected = [
            Column::new("due", Kind::Int).desc().nullable(Nulls::First),
            Column::new("price_text", Kind::Text).cast("numeric(20, 4)"),
            Column::new("id", Kind::Int).desc().unique(),
        ];
        assert_eq!(Full::sort().columns(), expected);
        assert_eq!(Full::sort(), &Sort::new(expected.to_vec()).unwrap());
    }

    #[test]
    fn a_row_becomes_values_and_back() {
        let row = Full { due: None, price: "1.50".to_owned(), id: -1 };
        let values = row.clone().into_values();
        assert!(Full::sort().fits(&values));
        assert_eq!(Full::from_values(values.clone()), Some(row));
        assert_eq!(Full::from_values(values[..2].to_vec()), None);
        assert_eq!(Full::from_values([&values[..], &values[..1]].concat()), None);
        assert_eq!(Full::from_values(vec![Value::Null; 3]), None);
    }
}
