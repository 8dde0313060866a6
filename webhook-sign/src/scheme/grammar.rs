//! What stands in the header of a signature.

use crate::{Algorithm, Claims, Encoding, Field, Refusal, Tag, Unit};

const MALFORMED: Refusal = Refusal::Malformed(Field::Signature);

#[derive(Clone, Copy, Debug)]
pub(crate) enum Grammar {
    /// The signature and nothing else.
    Bare,
    /// The signature after this: `sha256=…`, `v0=…`.
    Prefixed(&'static str),
    /// Any number of signatures after their version, with spaces in between: `v1,… v1,… v1a,…`.
    Versions { version: &'static str, ed25519: &'static str },
    /// A time and any number of signatures by name: `t=…,v1=…,v1=…`.
    Pairs { separator: u8, time: &'static str, signature: &'static str },
}

/// How the signatures are made and written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) algorithm: Algorithm,
    pub(crate) encoding: Encoding,
}

impl Kind {
    fn read(self, text: &[u8], claims: &mut Claims) -> Result<(), Refusal> {
        self.encoding.read(self.algorithm, text, claims)
    }
}

impl Grammar {
    #[inline]
    pub(crate) fn read(
        self,
        text: &[u8],
        kind: Kind,
        unit: Unit,
        claims: &mut Claims,
    ) -> Result<(), Refusal> {
        match self {
            Self::Bare => kind.read(text, claims),
            Self::Prefixed(prefix) => {
                kind.read(text.strip_prefix(prefix.as_bytes()).ok_or(MALFORMED)?, claims)
            }
            Self::Versions { version, ed25519 } => {
                claims.set_several();
                versions(text, version, ed25519, kind, claims)
            }
            Self::Pairs { separator, time, signature } => {
                claims.set_several();
                pairs(text, separator, [time, signature], kind, unit, claims)
            }
        }
    }

    pub(crate) fn write(self, claims: &Claims, tags: &[Tag], encoding: Encoding) -> Option<String> {
        let first = tags.first()?;
        let digits = std::str::from_utf8(claims.timestamp_digits().unwrap_or_default()).ok()?;
        // Exactly as long as it will be, so that the text becomes the header's value without a copy.
        let mut out = String::with_capacity(self.written_len(digits, tags, encoding));
        match self {
            Self::Bare => encoding.write(first, &mut out),
            Self::Prefixed(prefix) => {
                out.push_str(prefix);
                encoding.write(first, &mut out);
            }
            Self::Versions { .. } => {
                for (at, tag) in tags.iter().enumerate() {
                    out.push_str(if at > 0 { " " } else { "" });
                    out.push_str(self.version(tag));
                    out.push(',');
                    encoding.write(tag, &mut out);
                }
            }
            Self::Pairs { separator, time, .. } => {
                out.push_str(time);
                out.push('=');
                out.push_str(digits);
                for tag in tags {
                    out.push(char::from(separator));
                    out.push_str(self.version(tag));
                    out.push('=');
                    encoding.write(tag, &mut out);
                }
            }
        }
        Some(out)
    }

    fn written_len(self, digits: &str, tags: &[Tag], encoding: Encoding) -> usize {
        let first = tags.first().map_or(0, |tag| encoding.len(tag.algorithm()));
        let all = |beside: fn(&Tag, &Self) -> usize| -> usize {
            tags.iter().map(|tag| encoding.len(tag.algorithm()) + beside(tag, &self)).sum()
        };
        match self {
            Self::Bare => first,
            Self::Prefixed(prefix) => prefix.len() + first,
            Self::Versions { .. } => all(|tag, grammar| grammar.version(tag).len() + 2) - 1,
            Self::Pairs { time, .. } => {
                time.len() + 1 + digits.len() + all(|tag, grammar| grammar.version(tag).len() + 2)
            }
        }
    }

    /// What stands before a signature and its separator.
    const fn version(&self, tag: &Tag) -> &'static str {
        match self {
            Self::Versions { version, .. } if tag.algorithm().is_hmac() => version,
            Self::Versions { ed25519, .. } => ed25519,
            Self::Pairs { signature, .. } => signature,
            Self::Bare | Self::Prefixed(_) => "",
        }
    }

    /// Does the header have the time in it?
    pub(crate) const fn has_time(self) -> bool {
        matches!(self, Self::Pairs { .. })
    }
}

fn versions(
    text: &[u8],
    version: &str,
    ed25519: &str,
    kind: Kind,
    claims: &mut Claims,
) -> Result<(), Refusal> {
    for item in text.split(|&byte| byte == b' ').filter(|item| !item.is_empty()) {
        let comma = item.iter().position(|&byte| byte == b',').ok_or(MALFORMED)?;
        let (name, signature) = (&item[..comma], &item[comma + 1..]);
        if name == version.as_bytes() {
            kind.read(signature, claims)?;
        } else if name == ed25519.as_bytes() && cfg!(feature = "ed25519") {
            kind.encoding.read(Algorithm::Ed25519, signature, claims)?;
        } else {
            claims.pass_over()?;
        }
    }
    Ok(())
}

fn pairs(
    text: &[u8],
    separator: u8,
    [time, signature]: [&str; 2],
    kind: Kind,
    unit: Unit,
    claims: &mut Claims,
) -> Result<(), Refusal> {
    for item in text.split(|&byte| byte == separator) {
        let item = item.trim_ascii();
        let equals = item.iter().position(|&byte| byte == b'=').ok_or(MALFORMED)?;
        let (name, value) = (&item[..equals], &item[equals + 1..]);
        if name == time.as_bytes() {
            if claims.timestamp_digits().is_some() {
                return Err(Refusal::Repeated(Field::Timestamp));
            }
            claims.set_timestamp(value, unit)?;
        } else if name == signature.as_bytes() {
            kind.read(value, claims)?;
        } else {
            claims.pass_over()?;
        }
    }
    Ok(())
}
