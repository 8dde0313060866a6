//! A process that a test may kill: this very program, which runs one of its tests and no other.
#![allow(dead_code, unreachable_pub)] // Each test target uses a part of this.

use std::process::{Child, Command, ExitStatus, Stdio};

/// What such a test is told, and no other.
const TOLD: &str = "STONEWORK_TEST_CHILD";

/// Killed when dropped.
pub struct Process(Child);

impl Process {
    /// Runs the test of this name, which is [`told`] these words.
    pub fn start(test: &str, words: &[&str]) -> Self {
        Self::with(test, words, &[])
    }

    /// With these variables of the environment, too.
    pub fn with(test: &str, words: &[&str], variables: &[(&str, &str)]) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args([test, "--exact", "--nocapture"])
            .env(TOLD, words.join(" "))
            .envs(variables.iter().copied())
            .stdout(Stdio::null())
            .spawn();
        Self(child.unwrap())
    }

    /// Ends it as a crash does.
    pub fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Makes it stand still, as a machine does that is suspended. It does once [`is_paused`](Self::is_paused) says so.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    pub fn is_paused(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap();
        stat.rsplit_once(") ").unwrap().1.starts_with('T')
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal("-CONT");
    }

    /// Blocks until it ends by itself.
    pub fn wait(&mut self) -> ExitStatus {
        self.0.wait().unwrap()
    }

    fn signal(&self, signal: &str) {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What this process is told, if it is one of those. Else the test has nothing to do.
pub fn told<const N: usize>() -> Option<[String; N]> {
    let told = std::env::var(TOLD).ok()?;
    let words: Vec<_> = told.split(' ').map(str::to_owned).collect();
    Some(words.try_into().unwrap())
}
