//! Whatever signs a webhook.

use std::hint::black_box;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, Request};
use sha2::Sha256;
use stonework_core::RequestHead;
use stonework_webhook_sign::keys::KeySet;
use stonework_webhook_sign::scheme::{self, Outgoing, Scheme};
use stonework_webhook_sign::sign;

use super::sizes::Size;
use super::{ID, SECRET};
use crate::suite::{FLOOR, OURS, Scenario, Subject};
use crate::work::{Bench, Work};

const NOW: Duration = Duration::from_secs(1_767_225_600);

/// Signs a body, and shows what it wrote.
type Sign = Box<dyn FnMut(&[u8], &mut dyn FnMut(&[u8])) + Send>;

pub(super) fn signed(size: Size) -> Scenario {
    let signature = |mut sign: Sign| {
        let mut signature = Vec::new();
        sign(&size.body(), &mut |wrote| signature.extend_from_slice(wrote));
        signature
    };
    assert_eq!(signature(ours()), signature(standardwebhooks()));
    let subjects = vec![
        subject(FLOOR, "the loop alone", size, || Box::new(|body, show| show(body))),
        subject("limit", "limit: the MAC of the body alone, by RustCrypto", size, bare),
        subject(OURS, "**stonework-webhook-sign**, `sign`: three headers", size, ours),
        subject("standardwebhooks", "standardwebhooks 1.0: a signature", size, standardwebhooks),
    ];
    Scenario::new(format!("webhook signed, {size}"), size.batch(), subjects)
}

fn subject(word: &'static str, title: &'static str, size: Size, new: fn() -> Sign) -> Subject {
    Subject::new(word, title, move || {
        Bench::new(Signing { sign: new(), body: size.body(), count: 0 })
    })
}

fn bare() -> Sign {
    let mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("any length will do");
    Box::new(move |body, show| show(&mac.clone().chain_update(body).finalize().into_bytes()))
}

fn ours() -> Sign {
    let key = scheme::STANDARD.key(SECRET).expect("it is a secret");
    let keys = KeySet::new([key]).expect("it is one");
    let (request, mut headers) = (Request::new(()), HeaderMap::new());
    Box::new(move |body, show| {
        let message = Outgoing::new(RequestHead::of(&request), body, ID, NOW);
        sign(&scheme::STANDARD, &keys, &message, &mut headers).expect("it can be signed");
        show(headers["webhook-signature"].as_bytes());
    })
}

fn standardwebhooks() -> Sign {
    let webhook = standardwebhooks::Webhook::new(SECRET).expect("it is a secret");
    let now = i64::try_from(NOW.as_secs()).expect("it is before the end of time");
    Box::new(move |body, show| {
        show(webhook.sign(ID, now, body).expect("it is text").as_bytes());
    })
}

struct Signing {
    sign: Sign,
    body: Vec<u8>,
    count: usize,
}

impl Work for Signing {
    fn prepare(&mut self, count: usize) {
        self.count = count;
    }

    fn run(&mut self) {
        for _ in 0..self.count {
            (self.sign)(black_box(&self.body), &mut |wrote| {
                black_box(wrote.len());
            });
        }
    }
}
