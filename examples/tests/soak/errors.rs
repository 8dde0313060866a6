use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::ChildStderr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// Kinds of lines that are kept; all are counted.
const KEPT: usize = 50;

/// What a program complains of, read as it comes.
pub(crate) struct Errors {
    lines: Arc<Mutex<BTreeMap<String, u64>>>,
    reader: JoinHandle<()>,
}

impl Errors {
    pub(crate) fn of(stderr: ChildStderr) -> Self {
        let lines = Arc::<Mutex<BTreeMap<String, u64>>>::default();
        let into = Arc::clone(&lines);
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stderr).split(b'\n') {
                let line = line.expect("its errors");
                let mut lines = into.lock().unwrap_or_else(PoisonError::into_inner);
                let kind = kind(&String::from_utf8_lossy(&line));
                let room = lines.len() < KEPT || kind.contains("panicked");
                *lines.entry(if room { kind } else { "others".to_owned() }).or_default() += 1;
            }
        });
        Self { lines, reader }
    }

    /// All of it, when the program has ended: each kind of line, and how often it came.
    pub(crate) fn ended(self) -> BTreeMap<String, u64> {
        self.reader.join().expect("they can be read");
        std::mem::take(&mut *self.lines.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The line without its names: a word that is half of digits is another each time.
fn kind(line: &str) -> String {
    let is_name = |word: &str| word.len() > 8 && word.bytes().any(|byte| byte.is_ascii_digit());
    let words = line.split(' ').map(|word| if is_name(word) { "…" } else { word });
    words.collect::<Vec<_>>().join(" ")
}
