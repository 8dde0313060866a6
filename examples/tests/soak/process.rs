use std::fs;
use std::time::Duration;

/// Longer than connections are kept that nobody uses.
const PATIENCE: Duration = Duration::from_secs(240);

/// What a process takes, as Linux tells it.
pub(crate) struct Process(u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    /// Memory that belongs to no file, in KiB.
    pub(crate) memory: u64,
    /// Sockets, pipes and the like. Of its files SQLite keeps some more or less open, as locks have it.
    pub(crate) descriptors: usize,
    pub(crate) threads: u64,
}

impl Process {
    pub(crate) const fn of(pid: u32) -> Self {
        Self(pid)
    }

    pub(crate) fn sample(&self) -> Sample {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0)).expect("it runs");
        let open = fs::read_dir(format!("/proc/{}/fd", self.0)).expect("it runs");
        // One may be closed meanwhile.
        let open = open.filter_map(|link| fs::read_link(link.ok()?.path()).ok());
        let descriptors = open.filter(|to| to.is_relative()).count();
        Sample {
            memory: field(&status, "RssAnon:"),
            descriptors,
            threads: field(&status, "Threads:"),
        }
    }

    /// Waits until it has no more open, and no more threads, than it had.
    pub(crate) async fn until_as(&self, before: Sample) {
        let mut now = self.sample();
        let waited = tokio::time::timeout(PATIENCE, async {
            while now.descriptors > before.descriptors || now.threads > before.threads {
                tokio::time::sleep(Duration::from_millis(500)).await;
                now = self.sample();
            }
        });
        assert!(waited.await.is_ok(), "it had {before:?}, and has {now:?}");
        println!("before {before:?}\nafter  {now:?}");
    }
}

fn field(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name)).expect(name);
    line.split_whitespace().next().and_then(|number| number.parse().ok()).expect(name)
}
