use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Builder;

use super::{Ask, Name, layers};
use crate::process::{Twin, orders, stay_on};

/// A server in a process of its own, on the first core.
#[derive(Debug)]
pub struct Server {
    twin: Twin,
    address: SocketAddr,
}

impl Server {
    /// One with these layers. The program that calls this calls [`serve`] when it is a twin.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn start(name: Name) -> Self {
        Self::of(Twin::start(&format!("{name:?}")))
    }

    fn of(mut twin: Twin) -> Self {
        let address = twin.line().parse().expect("it says where it listens");
        Self { twin, address }
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// How long it has been at work.
    ///
    /// # Panics
    ///
    /// Where the system does not say.
    pub fn processor_time(&self) -> Duration {
        self.twin.processor_time()
    }
}

/// A [`Server`] whose instructions callgrind counts.
#[derive(Debug)]
pub struct Profiled {
    server: Server,
    profile: PathBuf,
}

impl Profiled {
    /// One with these layers.
    ///
    /// # Panics
    ///
    /// If it does not start, as without valgrind.
    pub fn start(name: Name) -> Self {
        let file = format!("callgrind-{name:?}-{}", std::process::id());
        let profile = std::env::temp_dir().join(file);
        let out = format!("--callgrind-out-file={}", profile.display());
        let mut valgrind = Command::new("valgrind");
        valgrind.args(["--quiet", "--tool=callgrind", &out]);
        let twin = Twin::start_under(valgrind, &format!("{name:?}"));
        Self { server: Server::of(twin), profile }
    }

    /// What was counted while it was asked so many times.
    ///
    /// # Panics
    ///
    /// If it does not answer, or callgrind does not write.
    pub fn ask(self, ask: Ask, times: u32) -> String {
        ask.repeat(self.server.address, times);
        self.server.twin.end();
        let written = fs::read_to_string(&self.profile).expect("callgrind has written it");
        drop(fs::remove_file(self.profile));
        written
    }
}

/// Serves, in the process that [`Server::start`] has started, until it is killed, or [`Twin::end`] is called.
///
/// # Panics
///
/// If there is no stack of this name, or nowhere to listen.
pub fn serve(name: &str) {
    let name = Name::ALL.into_iter().find(|known| format!("{known:?}") == name);
    let name = name.expect("it is the name of one");
    stay_on(0);
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        println!("{}", listener.local_addr().expect("it is bound"));
        let mut orders = orders();
        tokio::select! {
            served = layers::serve(name, listener) => served.expect("it serves until it is told to end"),
            _ = orders.recv() => {}
        }
    });
}
