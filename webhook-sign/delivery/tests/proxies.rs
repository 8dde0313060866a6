//! The environment names proxies, and nobody asks them.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/post.rs"]
mod post;
#[path = "support/process.rs"]
mod process;
#[path = "support/receiver.rs"]
mod receiver;
#[path = "support/tls.rs"]
mod tls;

use data_encoding::HEXLOWER;
use post::{loopback, post_to, soon};
use process::{Process, told};
use receiver::{Receiver, Reply};
use stonework_webhook_delivery::Event;
use stonework_webhook_delivery::client::HttpClient;
use stonework_webhook_delivery::store::MemoryOutbox;

/// Each also in small letters. The last one says of whom a proxy is not asked.
const VARIABLES: [&str; 3] = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];
const EXCEPTIONS: &str = "NO_PROXY";

/// No test: a process that sends one message over http and one over https, and ends.
#[tokio::test]
async fn a_sender_by_itself() {
    let Some([http, https, certificate, proxy]) = told() else { return };
    for name in VARIABLES.into_iter().flat_map(spellings) {
        assert_eq!(std::env::var(&name).as_ref(), Ok(&proxy), "{name}");
    }
    let certificate = HEXLOWER.decode(certificate.as_bytes()).unwrap();
    for url in [http, https] {
        let client = HttpClient::builder().guard(loopback()).trust(certificate.clone());
        let client = client.build().unwrap();
        let mut post = post_to(&url, MemoryOutbox::new(), soon(), |b| b.http_client(client));
        let _workers = post.delivery.start();
        post.send("msg_1").await;
        let event = post.event().await;
        assert!(matches!(event, Event::Delivered { tries: 1, .. }), "{url}: {event:?}");
    }
}

fn spellings(name: &str) -> [String; 2] {
    [name.to_owned(), name.to_lowercase()]
}

#[tokio::test]
async fn proxies_of_the_environment_are_not_asked() {
    // It would take any request, and answer it.
    let proxy = Receiver::start(|_, _| Reply::Status(200)).await;
    let mut receiver = Receiver::start(|_, _| Reply::Status(200)).await;
    let (https, certificate, mut versions) = tls::server(&["http/1.1"]).await;
    let url = format!("http://{}", proxy.address);
    let names: Vec<_> = VARIABLES.into_iter().flat_map(spellings).collect();
    let nobody = spellings(EXCEPTIONS);
    let named = names.iter().map(|name| (&**name, &*url));
    let variables: Vec<_> = named.chain(nobody.iter().map(|name| (&**name, ""))).collect();
    let words = [&receiver.url(), &https, &HEXLOWER.encode(&certificate), &url];
    let words = words.map(String::as_str);
    let mut sender = Process::with("a_sender_by_itself", &words, &variables);
    assert_eq!(receiver.next().await.id(), "msg_1");
    assert_eq!(versions.recv().await, Some(http::Version::HTTP_11));
    let ended = tokio::task::spawn_blocking(move || sender.wait()).await.unwrap();
    assert!(ended.success(), "both were delivered");
    assert_eq!(proxy.connections(), 0);
    // It would have been noticed.
    drop(tokio::net::TcpStream::connect(proxy.address).await.unwrap());
    while proxy.connections() == 0 {
        tokio::task::yield_now().await;
    }
}
