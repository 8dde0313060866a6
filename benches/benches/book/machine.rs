use std::fs;
use std::process::Command;

/// In general terms.
pub(crate) fn described() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let rust = Command::new("rustc").arg("--version").output().ok();
    let rust = rust.and_then(|output| String::from_utf8(output.stdout).ok());
    // `rustc 1.95.0 (hash date)`
    let rust = rust.as_deref().and_then(|said| said.split(' ').nth(1)).unwrap_or("of some version");
    format!(
        "This run: {cores} cores of {}, which others may have used too; Rust {rust}; the profile `bench`.",
        processor().unwrap_or_else(|| "an unknown processor".to_owned()),
    )
}

/// Its maker and its family.
fn processor() -> Option<String> {
    let info = fs::read_to_string("/proc/cpuinfo").ok()?;
    let model = info.lines().find_map(|line| line.strip_prefix("model name"))?;
    let words: Vec<_> = model.trim_start_matches([' ', '\t', ':']).split(' ').take(2).collect();
    Some(words.join(" ").replace("(R)", ""))
}
