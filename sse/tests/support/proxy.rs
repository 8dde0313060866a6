//! A proxy that loses connections, wherever in an answer it is told to.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

/// Clones are the same one.
#[derive(Clone)]
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

struct State {
    /// Where connections lead to. Without it they are lost at once.
    upstream: Option<SocketAddr>,
    /// How many bytes of answers the next connections carry before they are lost.
    allowed: VecDeque<usize>,
    /// Are heads carried in any case?
    spares_heads: bool,
    open: Open,
}

/// The connections that there are. Each has a clone of the sender, and sends nothing.
struct Open {
    held: mpsc::Sender<Infallible>,
    gone: mpsc::Receiver<Infallible>,
    is_cut: watch::Sender<bool>,
}

impl Open {
    fn none() -> Self {
        let (held, gone) = mpsc::channel(1);
        Self { held, gone, is_cut: watch::Sender::new(false) }
    }
}

impl Proxy {
    pub(crate) async fn start(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = State {
            upstream: Some(upstream),
            allowed: VecDeque::new(),
            spares_heads: false,
            open: Open::none(),
        };
        let proxy = Self { address, state: Arc::new(Mutex::new(state)) };
        let accepting = proxy.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let proxy = accepting.clone();
                tokio::spawn(async move { proxy.carry(client).await });
            }
        });
        proxy
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// New connections lead there, or nowhere.
    pub(crate) fn lead_to(&self, upstream: Option<SocketAddr>) {
        self.state.lock().unwrap().upstream = upstream;
    }

    /// Loses all connections that there are. What is sent after this does not come over any of them.
    pub(crate) async fn cut(&self) {
        let open = std::mem::replace(&mut self.state.lock().unwrap().open, Open::none());
        let Open { held, mut gone, is_cut } = open;
        is_cut.send_replace(true);
        drop(held);
        assert!(gone.recv().await.is_none());
    }

    /// The next connections carry so many bytes of answers each, and are lost then.
    pub(crate) fn cut_after(&self, bytes: impl IntoIterator<Item = usize>) {
        self.state.lock().unwrap().allowed.extend(bytes);
    }

    /// They carry the heads of answers in any case.
    #[allow(dead_code)] // Other tests need it.
    pub(crate) fn spare_heads(&self) {
        self.state.lock().unwrap().spares_heads = true;
    }

    async fn carry(&self, client: TcpStream) {
        // Browsers open connections that they may never use, and ask for pages.
        let mut begins = [0; 11];
        if client.peek(&mut begins).await.is_err() {
            return;
        }
        let is_stream = begins == *b"GET /events";
        let (upstream, allowed, spares_heads, _held, mut is_cut) = {
            let mut state = self.state.lock().unwrap();
            let (held, is_cut) = (state.open.held.clone(), state.open.is_cut.subscribe());
            let allowed = if is_stream { state.allowed.pop_front() } else { None };
            (state.upstream, allowed, state.spares_heads, held, is_cut)
        };
        let Some(upstream) = upstream else { return };
        let Ok(server) = TcpStream::connect(upstream).await else { return };
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = server.into_split();
        let answers = async {
            let (mut left, mut buffer) = (allowed.unwrap_or(usize::MAX), [0; 4_096]);
            while left > 0 {
                let read = from_server.read(&mut buffer).await.unwrap_or(0);
                let carried = match head(&buffer[..read]) {
                    // It comes at once.
                    Some(end) if spares_heads => read.min(left.max(end)),
                    _ => read.min(left),
                };
                if read == 0 || to_client.write_all(&buffer[..carried]).await.is_err() {
                    return;
                }
                left = left.saturating_sub(carried);
            }
        };
        // With one direction the other is lost too.
        tokio::select! {
            biased;
            _ = is_cut.wait_for(|is_cut| *is_cut) => {}
            _ = tokio::io::copy(&mut from_client, &mut to_server) => {}
            () = answers => {}
        }
    }
}

/// Where the head of an answer ends, if this is its beginning.
fn head(bytes: &[u8]) -> Option<usize> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    bytes.starts_with(b"HTTP/1.1 ").then_some(end + 4)
}
