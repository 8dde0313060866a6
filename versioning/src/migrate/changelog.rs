use std::fmt;
use std::sync::Arc;

use super::edits::Edits;
use super::gate::Gate;
use super::settings::Settings;

/// What each version changed, newest first, in Markdown: for the people who have to move.
///
/// Made of the gates themselves, so that it says what is done:
///
/// ```text
/// ## v2
///
/// - `amount` is an object of `value` and `currency`. (`POST /transfers`)
///   - an older request: `/amount` moves to `/amount/value`
///   - the response to it: `/amount/value` moves to `/amount`
/// ```
#[derive(Clone, Debug)]
pub struct Changelog {
    pub(super) settings: Arc<Settings>,
}

impl fmt::Display for Changelog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = None;
        // A stable sort: gates of one version stay in their order.
        let mut newest_first: Vec<_> = self.settings.gates.iter().collect();
        newest_first.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
        for (version, gate) in newest_first {
            if last != Some(version) {
                let line = if last.is_some() { "\n" } else { "" };
                writeln!(f, "{line}## {}\n", self.settings.names[version.get()])?;
                last = Some(version);
            }
            write_gate(f, gate)?;
        }
        Ok(())
    }
}

fn write_gate(f: &mut fmt::Formatter<'_>, gate: &Gate) -> fmt::Result {
    write!(f, "- {}", gate.description())?;
    let methods: Vec<_> = gate.methods().iter().map(http::Method::as_str).collect();
    let methods = if methods.is_empty() { String::new() } else { methods.join("/") + " " };
    let routes: Vec<_> = gate.routes().map(|route| format!("`{methods}{route}`")).collect();
    if !routes.is_empty() {
        write!(f, " ({})", routes.join(", "))?;
    }
    f.write_str("\n")?;
    write_edits(f, "an older request", &gate.request)?;
    write_edits(f, "the response to it", &gate.response)?;
    write_edits(f, "an error", &gate.error)
}

fn write_edits(f: &mut fmt::Formatter<'_>, what: &str, edits: &Edits) -> fmt::Result {
    if edits.is_empty() { Ok(()) } else { writeln!(f, "  - {what}: {edits}") }
}
