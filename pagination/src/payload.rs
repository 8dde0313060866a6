//! The values of an anchor, as bytes: what tokens carry. Never changed.
//!
//! Values stand one after the other in the format of postcard, without their kinds, which the order knows. A
//! column that has nulls is an option there.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Column, Float, Kind, Sort, Value};

/// Appends the values of a row of this order.
pub(crate) fn write(sort: &Sort, values: &[Value], out: Vec<u8>) -> Vec<u8> {
    sort.columns().iter().zip(values).fold(out, |mut out, (column, value)| {
        if column.nulls().is_some() {
            out.push(u8::from(!value.is_null()));
        }
        write_value(value, out)
    })
}

fn write_value(value: &Value, out: Vec<u8>) -> Vec<u8> {
    match value {
        Value::Null => out,
        Value::Bool(value) => append(value, out),
        Value::Int(value) => append(value, out),
        Value::Text(text) => append(text, out),
        Value::Bytes(bytes) => append(bytes, out),
        Value::Uuid(uuid) => append(uuid.as_bytes(), out),
        // There is one zero, and so one cursor of it. `-0.0 + 0.0` is `0.0`.
        Value::Float(number) => append(&(number + 0.0), out),
    }
}

/// Appends one value.
pub(crate) fn append<T: Serialize + ?Sized>(value: &T, out: Vec<u8>) -> Vec<u8> {
    // Memory is all that it could run out of.
    postcard::to_extend(value, out).unwrap_or_default()
}

/// The values of a row of this order, if the bytes are that and no more.
pub(crate) fn read(sort: &Sort, mut bytes: &[u8]) -> Option<Vec<Value>> {
    let values = sort.columns().iter().map(|column| read_column(column, &mut bytes));
    let values = values.collect::<Option<Vec<_>>>()?;
    bytes.is_empty().then_some(values)
}

fn read_column(column: &Column, bytes: &mut &[u8]) -> Option<Value> {
    if column.nulls().is_some() && !take(bytes)? {
        return Some(Value::Null);
    }
    Some(match column.kind() {
        Kind::Bool => Value::Bool(take(bytes)?),
        Kind::Int => Value::Int(take(bytes)?),
        Kind::Text => Value::Text(take::<&str>(bytes)?.to_owned()),
        Kind::Bytes => Value::Bytes(take::<&[u8]>(bytes)?.to_owned()),
        Kind::Uuid => Value::Uuid(Uuid::from_bytes(take(bytes)?)),
        Kind::Float => Value::Float(Float::new(take(bytes)?)?.get()),
    })
}

/// Takes one value off the front.
pub(crate) fn take<'a, T: Deserialize<'a>>(bytes: &mut &'a [u8]) -> Option<T> {
    let (value, rest) = postcard::take_from_bytes(bytes).ok()?;
    *bytes = rest;
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Nulls;
    use proptest::prelude::*;

    fn all() -> Sort {
        Sort::new(vec![
            Column::new("flag", Kind::Bool),
            Column::new("due", Kind::Int).nullable(Nulls::Last),
            Column::new("name", Kind::Text),
            Column::new("hash", Kind::Bytes).nullable(Nulls::First),
            Column::new("score", Kind::Float),
            Column::new("id", Kind::Uuid).unique(),
        ])
        .unwrap()
    }

    fn row() -> impl Strategy<Value = Vec<Value>> {
        let float = any::<f64>().prop_filter_map("no number", Float::new);
        (
            any::<bool>(),
            any::<Option<i64>>(),
            any::<String>(),
            any::<Option<Vec<u8>>>(),
            float,
            any::<u128>(),
        )
            .prop_map(|(flag, due, name, hash, score, id)| {
                vec![
                    Value::Bool(flag),
                    due.map_or(Value::Null, Value::Int),
                    Value::Text(name),
                    hash.map_or(Value::Null, Value::Bytes),
                    Value::Float(score.get()),
                    Value::Uuid(Uuid::from_u128(id)),
                ]
            })
    }

    #[test]
    fn the_format_is_this() {
        let sort = all();
        let values = vec![
            Value::Bool(true),
            Value::Int(-300),
            Value::Text("\u{e9}".to_owned()),
            Value::Null,
            Value::Float(1.5),
            Value::Uuid(Uuid::from_u128(0x0102)),
        ];
        let bytes = write(&sort, &values, vec![0xaa]);
        let mut expected = vec![0xaa, 1, 1, 0xd7, 4, 2, 0xc3, 0xa9, 0];
        expected.extend([0, 0, 0, 0, 0, 0, 0xf8, 0x3f]);
        expected.extend([0; 14]);
        expected.extend([1, 2]);
        assert_eq!(bytes, expected);
        assert_eq!(read(&sort, &bytes[1..]), Some(values));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(values in row()) {
            let bytes = write(&all(), &values, Vec::new());
            prop_assert_eq!(read(&all(), &bytes), Some(values));
        }

        #[test]
        fn what_is_cut_or_longer_is_not(values in row(), more in any::<u8>(), cut in any::<prop::sample::Index>()) {
            let mut bytes = write(&all(), &values, Vec::new());
            prop_assert_eq!(read(&all(), &bytes[..cut.index(bytes.len())]), None);
            bytes.push(more);
            prop_assert_eq!(read(&all(), &bytes), None);
        }

        #[test]
        fn any_bytes_are_read_or_not(bytes in any::<Vec<u8>>()) {
            if let Some(values) = read(&all(), &bytes) {
                prop_assert!(all().fits(&values));
            }
        }
    }
}
