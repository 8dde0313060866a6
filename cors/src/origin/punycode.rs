//! Punycode (RFC 3492), one way: the list of public suffixes is written in Unicode, and a full
//! `idna`, with its tables, is behind a feature.

const BASE: u32 = 36;
const T_MIN: u32 = 1;
const T_MAX: u32 = 26;

/// A host in Unicode: labels with `xn--` decoded. What cannot be decoded stays as it is.
pub(super) fn to_unicode(host: &str) -> String {
    let decoded =
        |label: &str| label.strip_prefix("xn--").and_then(decode).filter(|label| !label.is_empty());
    let labels = host.split('.').map(|label| decoded(label).unwrap_or_else(|| label.to_owned()));
    labels.collect::<Vec<_>>().join(".")
}

/// Section 6.2. Labels are short, or this would take time that grows with the square.
fn decode(label: &str) -> Option<String> {
    // A hyphen that nothing stands before divides nothing.
    let parts = label.rsplit_once('-').filter(|(basic, _)| !basic.is_empty());
    let (basic, digits) = parts.unwrap_or(("", label));
    let mut output: Vec<char> = basic.chars().collect();
    let (mut code, mut at, mut bias) = (128, 0, 72);
    let mut digits = digits.bytes();
    while digits.len() > 0 {
        let next = variable(&mut digits, at, bias)?;
        let len = u32::try_from(output.len()).ok()? + 1;
        bias = adapt(next - at, len, at == 0);
        code = u32::checked_add(code, next / len)?;
        at = next % len;
        output.insert(at as usize, char::from_u32(code)?);
        at += 1;
    }
    Some(output.into_iter().collect())
}

/// A number whose digits count for more, the further right they stand.
fn variable(digits: &mut impl Iterator<Item = u8>, start: u32, bias: u32) -> Option<u32> {
    let (mut value, mut weight, mut k) = (start, 1_u32, BASE);
    loop {
        let digit = match digits.next()? {
            letter @ b'a'..=b'z' => u32::from(letter - b'a'),
            digit @ b'0'..=b'9' => u32::from(digit - b'0') + 26,
            _ => return None,
        };
        value = value.checked_add(digit.checked_mul(weight)?)?;
        let threshold = k.saturating_sub(bias).clamp(T_MIN, T_MAX);
        if digit < threshold {
            return Some(value);
        }
        weight = weight.checked_mul(BASE - threshold)?;
        k += BASE;
    }
}

/// Section 6.1.
const fn adapt(delta: u32, len: u32, is_first: bool) -> u32 {
    let mut delta = if is_first { delta / 700 } else { delta / 2 };
    delta += delta / len;
    let mut k = 0;
    while delta > (BASE - T_MIN) * T_MAX / 2 {
        delta /= BASE - T_MIN;
        k += BASE;
    }
    k + (BASE - T_MIN + 1) * delta / (delta + 38)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_decoded() {
        for (host, expected) in [
            ("xn--p1ai", "рф"),
            ("xn--55qx5d.cn", "公司.cn"),
            ("xn--bcher-kva.example", "bücher.example"),
            ("a.xn--xhq521b", "a.广东"),
            ("example.com.", "example.com."),
            ("xn--.xn---99999999.xn--9", "xn--.xn---99999999.xn--9"),
        ] {
            assert_eq!(to_unicode(host), expected, "{host}");
        }
    }

    proptest! {
        #[test]
        fn what_was_encoded_comes_back(label in "[a-zß-ÿа-я一-龠😀-😂-]{0,20}[ü漢]") {
            let encoded = idna::punycode::encode_str(&label).unwrap();
            prop_assert_eq!(decode(&encoded), Some(label));
        }

        #[test]
        fn it_agrees_with_another_decoder(label in "[a-z0-9-]{0,60}") {
            prop_assert_eq!(decode(&label), idna::punycode::decode_to_string(&label));
        }
    }
}
