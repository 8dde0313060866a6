use std::hint::black_box;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request};
use stonework_core::{Clock, RequestHead, SystemClock};
use stonework_webhook_sign::keys::KeySet;
use stonework_webhook_sign::scheme::{self, Outgoing, Scheme};
use stonework_webhook_sign::sign;

use super::checkers::{
    Bare, Checker, Layered, Nothing, Ours, Ring, WebhookVerify, standardwebhooks,
};
use super::sizes::{LARGEST, Size};
use super::{ID, SECRET};
use crate::suite::{FLOOR, OURS, Scenario, Subject};
use crate::work::{Bench, Work};

/// Of a base64 that no MAC is likely to have.
const JUNK: &str = "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

pub(super) fn verified(size: Size) -> Scenario {
    let subjects = vec![
        Subject::new(FLOOR, "the loop alone", move || Bench::new(Checking::new(Nothing, size, 0))),
        genuine("limit", "limit: the MAC of the body alone, by RustCrypto", size, Bare::new),
        genuine("ring", "the MAC of the body alone, by ring 0.17", size, Ring::new),
        genuine(OURS, "**stonework-webhook-sign**, `verify`", size, Ours::new),
        genuine("layered", "**stonework-webhook-sign**, `VerifyLayer`", size, Layered::new),
        genuine("standardwebhooks", "standardwebhooks 1.0", size, standardwebhooks),
        genuine("webhook-verify", "webhook-verify 0.1", size, WebhookVerify::new),
    ];
    Scenario::new(format!("webhook verified, {size}"), size.batch(), subjects)
}

fn genuine<C: Checker>(
    word: &'static str,
    title: &'static str,
    size: Size,
    new: fn() -> C,
) -> Subject {
    Subject::new(word, title, move || {
        let mut checking = Checking::new(new(), size, 0);
        checking.prepare(1);
        assert!(checking.is_genuine(), "{word}");
        Bench::new(checking)
    })
}

/// Of as many signatures as somebody who has no key may send.
pub(super) fn forged() -> Scenario {
    let size = LARGEST;
    let subjects = vec![
        Subject::new(FLOOR, "the loop alone", move || Bench::new(Checking::new(Nothing, size, 1))),
        junk(OURS, "**stonework-webhook-sign**, 1 signature", 1, Ours::new),
        junk("sixteen", "**stonework-webhook-sign**, 16 signatures", 16, Ours::new),
        junk("many", "**stonework-webhook-sign**, 300: refused unread", 300, Ours::new),
        junk("standardwebhooks", "standardwebhooks 1.0, 300 signatures", 300, standardwebhooks),
        junk("webhook-verify", "webhook-verify 0.1, 300 signatures", 300, WebhookVerify::new),
    ];
    Scenario {
        counts_instructions: false,
        ..Scenario::new(format!("webhook forged, {size}"), 1, subjects)
    }
}

fn junk<C: Checker>(
    word: &'static str,
    title: &'static str,
    signatures: usize,
    new: fn() -> C,
) -> Subject {
    Subject::new(word, title, move || {
        let mut checking = Checking::new(new(), LARGEST, signatures);
        checking.prepare(1);
        assert!(!checking.is_genuine(), "{word}");
        Bench::new(checking)
    })
}

/// A webhook that is looked at again and again.
struct Checking<C> {
    checker: C,
    body: Bytes,
    headers: HeaderMap,
    junk: usize,
    count: usize,
}

impl<C: Checker> Checking<C> {
    fn new(checker: C, size: Size, junk: usize) -> Self {
        Self { checker, body: size.body().into(), headers: HeaderMap::new(), junk, count: 0 }
    }

    fn is_genuine(&mut self) -> bool {
        self.checker.is_genuine(black_box(&self.headers), black_box(&self.body))
    }
}

impl<C: Checker> Work for Checking<C> {
    /// Signs it anew: some look at a clock that is not ours.
    fn prepare(&mut self, count: usize) {
        self.count = count;
        self.headers = headers(&self.body);
        if self.junk > 0 {
            let junk = vec![JUNK; self.junk].join(" ");
            let junk = HeaderValue::from_str(&junk).expect("it is text");
            self.headers.insert("webhook-signature", junk);
        }
    }

    fn run(&mut self) {
        for _ in 0..self.count {
            black_box(self.is_genuine());
        }
    }
}

/// As its sender signs it now.
fn headers(body: &[u8]) -> HeaderMap {
    let key = scheme::STANDARD.key(SECRET).expect("it is a secret");
    let keys = KeySet::new([key]).expect("it is one");
    let request = Request::new(());
    let now = SystemClock::new().unix();
    let message = Outgoing::new(RequestHead::of(&request), body, ID, now);
    let mut headers = HeaderMap::new();
    sign(&scheme::STANDARD, &keys, &message, &mut headers).expect("it can be signed");
    headers
}
