//! What stands before a server and leads to another one when it is told to, as the address of a service does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};

use redis::Client;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::redis_server::Server;

/// What becomes of the connections that there are. Those that come later are let through.
#[derive(Clone, Copy)]
enum Fate {
    LetThrough,
    Cut,
    /// Open at both ends, and nothing comes through: a machine that has lost its power.
    Frozen,
}

pub(crate) struct Proxy {
    port: u16,
    leads_to: Arc<AtomicU16>,
    connections: Arc<AtomicUsize>,
    open: Arc<()>,
    fate: Arc<watch::Sender<Fate>>,
}

impl Proxy {
    pub(crate) async fn before(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self {
            port: listener.local_addr().unwrap().port(),
            leads_to: Arc::new(AtomicU16::new(server.port())),
            connections: Arc::default(),
            open: Arc::default(),
            fate: Arc::new(watch::Sender::new(Fate::LetThrough)),
        };
        let leads_to = Arc::clone(&proxy.leads_to);
        let connections = Arc::clone(&proxy.connections);
        let open = Arc::clone(&proxy.open);
        let fate = Arc::clone(&proxy.fate);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                let port = leads_to.load(Ordering::SeqCst);
                let mut fate = fate.subscribe();
                fate.mark_unchanged();
                let open = Arc::clone(&open);
                tokio::spawn(async move {
                    pass(client, port, fate).await;
                    drop(open);
                });
            }
        });
        proxy
    }

    pub(crate) fn client(&self) -> Client {
        Client::open(format!("redis://127.0.0.1:{}/", self.port)).unwrap()
    }

    /// How many there have been.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// How many there are.
    pub(crate) fn open(&self) -> usize {
        // This one, and the one of who accepts them.
        Arc::strong_count(&self.open) - 2
    }

    /// From now on it leads there, for those who connect again.
    pub(crate) fn lead_to(&self, server: &Server) {
        self.leads_to.store(server.port(), Ordering::SeqCst);
        self.fate.send_replace(Fate::Cut);
    }

    /// Lets nothing through any more of the connections that there are.
    pub(crate) fn freeze(&self) {
        self.fate.send_replace(Fate::Frozen);
    }
}

async fn pass(mut client: TcpStream, port: u16, mut fate: watch::Receiver<Fate>) {
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    tokio::select! {
        // Whichever end goes, the other is told.
        _ = copy_bidirectional(&mut client, &mut server) => {}
        Ok(()) = fate.changed() => {
            if matches!(*fate.borrow(), Fate::Frozen) {
                std::future::pending::<()>().await;
            }
        }
    }
}
