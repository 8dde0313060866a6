use http::{HeaderMap, HeaderName};

use crate::{Field, Refusal};

/// The one value of a header; `None` without it. Two are refused: proxies and frameworks differ in which one counts.
#[inline]
pub(crate) fn single<'h>(
    headers: &'h HeaderMap,
    name: &HeaderName,
    field: Field,
) -> Result<Option<&'h [u8]>, Refusal> {
    // Mostly no name is there twice, and that can be told at once.
    if headers.len() == headers.keys_len() {
        return Ok(headers.get(name).map(http::HeaderValue::as_bytes));
    }
    let mut values = headers.get_all(name).iter();
    let value = values.next();
    if values.next().is_some() {
        return Err(Refusal::Repeated(field));
    }
    Ok(value.map(http::HeaderValue::as_bytes))
}

/// The one value of a header that has to be there.
#[inline]
pub(crate) fn required<'h>(
    headers: &'h HeaderMap,
    name: &HeaderName,
    field: Field,
) -> Result<&'h [u8], Refusal> {
    single(headers, name, field)?.ok_or(Refusal::Missing(field))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn one_is_one_and_two_are_refused() {
        let name = HeaderName::from_static("x");
        let mut headers = HeaderMap::new();
        assert_eq!(single(&headers, &name, Field::Id), Ok(None));
        assert_eq!(required(&headers, &name, Field::Id), Err(Refusal::Missing(Field::Id)));
        headers.append(&name, HeaderValue::from_static("1"));
        assert_eq!(required(&headers, &name, Field::Id), Ok(&b"1"[..]));
        headers.append(&name, HeaderValue::from_static("1"));
        assert_eq!(single(&headers, &name, Field::Id), Err(Refusal::Repeated(Field::Id)));
    }
}
