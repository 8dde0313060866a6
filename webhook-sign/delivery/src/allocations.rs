//! What the pure path allocates, counted exactly: to judge an answer, to decide what follows, and to sign an attempt.

use std::hint::black_box;
use std::task::{Context, Poll};
use std::time::Duration;

use allocation_counter::measure;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use tower_service::Service;

use crate::judge::{CONTROL, Verdict, Verdicts, judge};
use crate::schedule::LONGEST;
use crate::transport::{Limits, Tower, Transport};
use crate::{DisableReason, Endpoint, MessageId, Policy, Signer, StoneBody, WebhookBody, scheme};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const NOW: Duration = Duration::from_secs(1_795_000_000);

fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, HeaderValue::from_static(value));
    }
    headers
}

#[test]
fn judging_allocates_nothing_whatever_was_answered() {
    let long = "x,".repeat(4_000).leak();
    for lines in [
        &[][..],
        &[("retry-after", "120")],
        &[("retry-after", "Fri, 31 Dec 9999 23:59:59 GMT"), ("retry-after", "soon")],
        &[("retry-after", "99999999999999999999999999")],
        &[(CONTROL, "abort-message"), (CONTROL, "x, Disable")],
        &[(CONTROL, long), ("retry-after", long)],
    ] {
        let headers = headers(lines);
        for status in [200, 302, 410, 429, 500, 502] {
            let status = StatusCode::from_u16(status).unwrap();
            let info = measure(|| {
                black_box(judge(status, &headers, NOW, DAY));
            });
            assert_eq!(info.count_total, 0, "{status} {lines:?}");
        }
    }
}

#[test]
fn deciding_allocates_nothing() {
    let policy = Policy::standard();
    let hint = Some(LONGEST);
    for result in [
        Verdicts::Delivered,
        Verdicts::Aborted,
        Verdicts::Throttled { hint },
        Verdicts::Overloaded { hint },
        Verdicts::Failed { hint },
    ] {
        let asked = Verdict { result, disable: Some(DisableReason::Asked) };
        for verdict in [Verdict::of(result), asked] {
            for tries in [1, 9, 10, u32::MAX] {
                let info = measure(|| {
                    black_box(policy.decide(verdict, tries, 500));
                });
                assert_eq!(info.count_total, 0, "{verdict:?} {tries}");
            }
        }
    }
}

/// Answers 200 without a network.
#[derive(Clone)]
struct Ready;

impl Service<Request<StoneBody<WebhookBody>>> for Ready {
    type Response = Response<http_body_util::Empty<Bytes>>;
    type Error = std::convert::Infallible;
    type Future = std::future::Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<StoneBody<WebhookBody>>) -> Self::Future {
        assert!(request.headers().contains_key("webhook-signature"));
        std::future::ready(Ok(Response::new(http_body_util::Empty::new())))
    }
}

fn request(body: &Bytes) -> Request<WebhookBody> {
    let mut request = Request::post("https://example.com/hooks");
    request.extensions_mut().unwrap().insert(MessageId::new("msg_p5jXN8AQM9LWM0D4loKWxJek"));
    request.body(WebhookBody::new(body.clone())).unwrap()
}

/// What one attempt allocates from the request that is to be signed to the answer, without a network.
fn attempt(body: &Bytes, secrets: &[&str]) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let signer = secrets.iter().fold(Signer::new(scheme::STANDARD), Signer::secret);
    let endpoint = Endpoint::builder("https://example.com/hooks").signer(signer).build().unwrap();
    let limits = Limits { timeout: DAY, answer: 1_024 };
    let send = |request| {
        let sent = Tower(Ready).send(endpoint.signing(), request, limits);
        assert_eq!(runtime.block_on(sent).unwrap().status, StatusCode::OK);
    };
    // The first one sets up what stays.
    send(request(body));
    let mut next = Some(request(body));
    measure(|| send(next.take().unwrap())).count_total
}

/// Two boxes, for the attempt and for the message that is signed; the values of three headers; and the map of headers, which
/// was empty. Another secret makes one of those values longer, and no more.
#[test]
fn signing_an_attempt_costs_the_same_whatever_is_sent() {
    const OLD: &str = "whsec_b2xkIHNlY3JldCBvZiB0aGUgcmVjZWl2ZXI";
    const NEW: &str = "whsec_bmV3IHNlY3JldCBvZiB0aGUgcmVjZWl2ZXI";
    let body = |bytes: usize| Bytes::from(vec![b'x'; bytes]);
    let counts = [
        attempt(&body(2), &[NEW]),
        attempt(&body(256 * 1_024), &[NEW]),
        attempt(&body(2), &[NEW, OLD]),
    ];
    assert_eq!(counts, [7, 7, 7]);
}
