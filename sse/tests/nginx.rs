//! A real nginx in front, whose usual settings collect what a server answers before a client is given it.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "../../cors/tests/support/sockets.rs"]
#[allow(dead_code)] // Other tests need more of it.
mod sockets;

use std::convert::Infallible;
use std::fs;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use sockets::hyper_server;
use stonework_sse::{Decoder, Drain, Event, Hub, KeepAlive, Publish, SseBody, SseLayer, Subscribe};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tower::{Layer, service_fn};

const LOG: &str = "acct_7";

/// Longer than any wait of a test that passes.
const DEADLINE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(5);

async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let waits = async {
        while !is_so().await {
            tokio::time::sleep(POLL).await;
        }
    };
    assert!(tokio::time::timeout(DEADLINE, waits).await.is_ok(), "not in time: {what}");
}

/// A server of events, and what it shows.
struct Site {
    hub: Hub,
    drain: Drain,
    layer: SseLayer,
    address: SocketAddr,
}

impl Site {
    async fn start() -> Self {
        let (hub, drain) = (Hub::in_memory(), Drain::new());
        let layer = SseLayer::builder().drain(&drain).build().unwrap();
        let address = hyper_server(layer.layer(service_fn({
            let hub = hub.clone();
            move |request: Request<Incoming>| {
                let hub = hub.clone();
                async move { Ok::<_, Infallible>(answer(&hub, request.uri().path()).await) }
            }
        })));
        Self { address: address.await, hub, drain, layer }
    }

    async fn publish(&self, data: &str) {
        self.hub.publish(Publish::to(LOG, Event::new(data))).await.unwrap();
    }
}

/// A stream; below `/plain` as somebody would answer it who knows nothing of nginx.
async fn answer(hub: &Hub, path: &str) -> Response<SseBody<stonework_sse::Subscription>> {
    let events = hub.subscribe(Subscribe::to(LOG)).await.unwrap();
    let mut response = SseBody::new(events).keep_alive(KeepAlive::never()).into_response();
    if path.ends_with("/plain") {
        response.headers_mut().remove("x-accel-buffering").unwrap();
    }
    response
}

/// The proxy, on a socket in a folder of its own. Killed and forgotten when dropped.
struct Nginx {
    child: Child,
    dir: PathBuf,
}

impl Nginx {
    /// In front of this server. Nothing is said of buffers.
    async fn before(server: SocketAddr) -> Self {
        let dir = std::env::temp_dir().join(format!("stonework-nginx-{}", fastrand::u64(..)));
        fs::create_dir(&dir).unwrap();
        let conf = format!(
            "pid nginx.pid; error_log stderr; master_process off; daemon off;
            events {{}}
            http {{
                access_log off;
                client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
                uwsgi_temp_path uwsgi; scgi_temp_path scgi;
                server {{
                    listen unix:nginx.sock;
                    location / {{
                        proxy_pass http://{server};
                        proxy_http_version 1.1;
                        proxy_set_header Connection \"\";
                    }}
                    location /old/ {{
                        proxy_pass http://{server};
                        proxy_http_version 1.0;
                    }}
                }}
            }}"
        );
        fs::write(dir.join("nginx.conf"), conf).unwrap();
        let log = fs::File::create(dir.join("log")).unwrap();
        // It is out of the path of most users.
        let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin";
        let child = Command::new("nginx")
            .env("PATH", path)
            .current_dir(&dir)
            .args(["-e", "stderr", "-c", "nginx.conf", "-p", "."])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("start nginx");
        let mut nginx = Self { child, dir };
        until("nginx comes up", async || {
            if nginx.child.try_wait().unwrap().is_some() {
                panic!("nginx has ended: {}", fs::read_to_string(nginx.dir.join("log")).unwrap());
            }
            UnixStream::connect(nginx.socket()).await.is_ok()
        })
        .await;
        nginx
    }

    fn socket(&self) -> PathBuf {
        self.dir.join("nginx.sock")
    }

    async fn connect(&self) -> UnixStream {
        UnixStream::connect(self.socket()).await.unwrap()
    }

    async fn ask(&self, path: &str) -> Response<Incoming> {
        let io = TokioIo::new(self.connect().await);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
        tokio::spawn(connection);
        let request = Request::get(path).header("host", "localhost");
        sender.send_request(request.body(Full::<Bytes>::default()).unwrap()).await.unwrap()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        drop((self.child.kill(), self.child.wait(), fs::remove_dir_all(&self.dir)));
    }
}

/// Somebody who reads a stream.
struct Client {
    body: Incoming,
    decoder: Decoder,
}

impl Client {
    fn of(response: Response<Incoming>) -> Self {
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { body: response.into_body(), decoder: Decoder::new() }
    }

    /// The data of the next event; nothing at the end.
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(message) = self.decoder.message().unwrap() {
                return Some(message.data.to_owned());
            }
            let frame = self.body.frame().await?;
            self.decoder.feed(&frame.unwrap().into_data().unwrap());
        }
    }
}

/// Over the HTTP/1.1 of today's settings and the HTTP/1.0 of yesterday's.
#[tokio::test]
async fn events_come_through_one_by_one() {
    let site = Site::start().await;
    let nginx = Nginx::before(site.address).await;
    for path in ["/events", "/old/events"] {
        let mut client = Client::of(nginx.ask(path).await);
        for event in 1..=50 {
            site.publish(&event.to_string()).await;
            assert_eq!(client.next().await.unwrap(), event.to_string(), "{path}");
        }
    }
    // And the last word, which ends it.
    let mut client = Client::of(nginx.ask("/events").await);
    site.drain.now(Duration::ZERO);
    assert_eq!(client.next().await, None);
    assert!(client.decoder.retry().is_some());
}

/// The same stream without the header: what was published before is not there when what was published after it is. That
/// is so over HTTP/1.0, which versions before 1.29.7 speak unless they are told otherwise; chunks of HTTP/1.1 are passed
/// on by the one that was tried, 1.22.
#[tokio::test]
async fn without_the_header_they_would_be_kept_back() {
    let site = Site::start().await;
    let nginx = Nginx::before(site.address).await;
    let mut kept_back = nginx.connect().await;
    kept_back.write_all(b"GET /old/plain HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    until("its stream is open", async || site.layer.streams() > 0).await;
    for path in ["/events", "/old/events"] {
        let mut marker = Client::of(nginx.ask(path).await);
        // One process gives what it has in turns: what it had of the one it has had since the first of these.
        for event in 1..=5 {
            site.publish(&event.to_string()).await;
            assert_eq!(marker.next().await.unwrap(), event.to_string());
        }
        let mut bytes = [0; 4_096];
        match kept_back.try_read(&mut bytes) {
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            Ok(length) => panic!("{}", String::from_utf8_lossy(&bytes[..length])),
        }
    }
    // Until it ends: so they were there.
    site.drain.now(Duration::ZERO);
    let mut all = Vec::new();
    while !all.ends_with(b"\r\n0\r\n\r\n") {
        assert_ne!(kept_back.read_buf(&mut all).await.unwrap(), 0);
    }
    let all = String::from_utf8(all).unwrap();
    assert_eq!(all.matches("data: ").count(), 10);
    assert!(all.contains("retry: "));
}
