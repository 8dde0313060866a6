//! More processes than this one, and on which core they are.

use std::fmt::Display;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use rustix::thread::{CpuSet, sched_setaffinity};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// This program, started once more: another process, to which lines are said and which says lines.
///
/// Ended when it is dropped.
#[derive(Debug)]
pub struct Twin {
    process: Child,
    /// Until it is to end.
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Twin {
    /// Starts it with this word. What it does then is for `main` to say.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn start(word: &str) -> Self {
        Self::spawn(Command::new(this_program()), word)
    }

    /// Starts it below another program, such as valgrind, which is given it as an argument.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn start_under(mut other: Command, word: &str) -> Self {
        other.arg(this_program());
        Self::spawn(other, word)
    }

    fn spawn(mut command: Command, word: &str) -> Self {
        command.arg(word).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("it starts");
        let orders = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().expect("it is piped"));
        Self { process, orders, answers }
    }

    /// Says a line to it.
    ///
    /// # Panics
    ///
    /// If it has ended.
    pub fn tell(&mut self, order: impl Display) {
        let orders = self.orders.as_mut().expect("it has not been ended");
        writeln!(orders, "{order}").expect("it listens");
    }

    /// What it says next.
    ///
    /// # Panics
    ///
    /// If it says no text.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("it is text");
        line.trim().to_owned()
    }

    /// Lets it end by itself: it has no more [`orders`].
    ///
    /// # Panics
    ///
    /// If it fails.
    pub fn end(mut self) {
        drop(self.orders.take());
        let status = self.process.wait().expect("it ends");
        assert!(status.success(), "{status}");
    }

    /// How long its first thread has been at work.
    ///
    /// # Panics
    ///
    /// Where the system does not say.
    pub fn processor_time(&self) -> Duration {
        let path = format!("/proc/{}/schedstat", self.process.id());
        let said = std::fs::read_to_string(path).expect("it is Linux");
        let nanoseconds = said.split(' ').next().and_then(|word| word.parse().ok());
        Duration::from_nanos(nanoseconds.expect("it is a number"))
    }
}

impl Drop for Twin {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn this_program() -> PathBuf {
    std::env::current_exe().expect("this program is somewhere")
}

/// The word with which this program was started, if it is a twin.
pub fn twin_word() -> Option<String> {
    std::env::args().skip(1).find(|word| !word.starts_with("--"))
}

/// The lines that are said to this process, if it is a twin.
pub fn orders() -> UnboundedReceiver<String> {
    let (sender, receiver) = unbounded_channel();
    std::thread::spawn(move || {
        for order in std::io::stdin().lines().map_while(Result::ok) {
            drop(sender.send(order));
        }
    });
    receiver
}

/// Keeps this thread, and the threads and processes that it starts, on one core; on a machine that has only one, on that.
pub fn stay_on(core: usize) {
    let mut cores = CpuSet::new();
    cores.set(core);
    let _ = sched_setaffinity(None, &cores);
}

/// What this process has of the machine's memory, in bytes.
///
/// # Panics
///
/// Where the system does not say.
pub fn resident() -> u64 {
    let said = std::fs::read_to_string("/proc/self/statm").expect("it is Linux");
    let pages = said.split(' ').nth(1).and_then(|word| word.parse::<u64>().ok());
    pages.expect("it is a number") * rustix::param::page_size() as u64
}
