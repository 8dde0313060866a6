use super::Malformed;

/// Decimal digits without a sign and without a zero in front, up to `u32::MAX`.
pub(super) fn number(digits: &[u8]) -> Result<u32, Malformed> {
    match digits {
        [] | [b'0', _, ..] => Err(Malformed),
        digits => digits.iter().try_fold(0_u32, |number, digit| {
            let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10).ok_or(Malformed)?;
            number.checked_mul(10).and_then(|n| n.checked_add(digit.into())).ok_or(Malformed)
        }),
    }
}

/// So many decimal digits, no more and no fewer.
pub(super) fn digits(text: &[u8]) -> Result<u32, Malformed> {
    text.iter().try_fold(0, |number, digit| match digit {
        b'0'..=b'9' => Ok(number * 10 + u32::from(digit - b'0')),
        _ => Err(Malformed),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_one_spelling() {
        for (text, value) in [("0", 0), ("7", 7), ("10", 10), ("4294967295", u32::MAX)] {
            assert_eq!(number(text.as_bytes()), Ok(value));
        }
        for text in [
            "",
            "00",
            "01",
            "+1",
            "-1",
            " 1",
            "1 ",
            "1.",
            "1a",
            "0x1",
            "١",
            "１",
            "4294967296",
            "99999999999999999999",
        ] {
            assert_eq!(number(text.as_bytes()), Err(Malformed), "{text}");
        }
    }
}
