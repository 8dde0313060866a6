use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Builder;

use super::{Name, layers};
use crate::process::{Twin, stay_on};

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
        let mut twin = Twin::start(&format!("{name:?}"));
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

/// Serves, in the process that [`Server::start`] has started, until it is killed.
///
/// # Panics
///
/// If there is no stack of this name, or nowhere to listen.
pub fn serve(name: &str) {
    let name = Name::ALL.into_iter().find(|known| format!("{known:?}") == name);
    let router = layers::router(name.expect("it is the name of one"));
    stay_on(0);
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        println!("{}", listener.local_addr().expect("it is bound"));
        axum::serve(listener, router).await.expect("it serves until it is killed");
    });
}
