use stonework_core::RequestHead;

use super::input::Input;
use crate::scheme::{PublicUrl, Put};
use crate::{Field, Refusal};

/// The signature base (RFC 9421, section 2.5): a line for each component, and last the list of them.
pub(super) fn put(
    input: &Input,
    head: &RequestHead<'_>,
    url: &PublicUrl,
    put: Put<'_>,
) -> Result<(), Refusal> {
    let mut line = Vec::with_capacity(128);
    for (name, component) in &input.components {
        line.clear();
        line.push(b'"');
        line.extend_from_slice(name.as_bytes());
        line.extend_from_slice(b"\": ");
        component.put(head, url, &mut line)?;
        line.push(b'\n');
        put(&line);
    }
    put(b"\"@signature-params\": ");
    put(input.params().ok_or(Refusal::Malformed(Field::Signature))?.as_bytes());
    Ok(())
}
