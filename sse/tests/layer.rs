//! The layer around bare services: who is let in and counted, until when, and what the others are told.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::future::{Ready, pending, ready};
use std::pin::pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::request::Builder;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use stonework_core::{Key, NotExecuted, Problem, StoneBody, StoreError, StoreErrorKind};
use stonework_sse::{
    Drain, EndingBody, Event, Frame, LastEventId, REQUEST_HEADERS, RESPONSE_HEADERS, Rejection,
    SseBody, SseLayer, SseLayerBuilder, SubscribeError, Ticket,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tower::limit::ConcurrencyLimit;
use tower::{Layer, Service, ServiceExt, service_fn};

const EVENTS: &str = "text/event-stream";

/// A stream that neither has events nor ends.
type Endless = SseBody<tokio_stream::Pending<Frame>>;

fn endless() -> Response<Endless> {
    SseBody::new(tokio_stream::pending()).into_response()
}

/// The answer of a service that answers with one of these.
async fn open(layer: &SseLayer, request: Builder) -> Response<StoneBody<EndingBody<Endless>>> {
    let service = service_fn(|_: Request<()>| ready(Ok::<_, Infallible>(endless())));
    layer.layer(service).oneshot(request.body(()).unwrap()).await.unwrap()
}

/// Why a stream was turned away.
fn why<B>(response: &Response<B>) -> Option<Rejection> {
    response.extensions().get().copied()
}

fn get(target: &str) -> Builder {
    Request::get(target)
}

fn of(account: &str) -> Builder {
    get("/").header("account", account)
}

/// At most two streams of each account, which a header names.
fn two_of_each() -> SseLayerBuilder {
    SseLayer::builder().max_streams_of(2, |head| head.headers.get("account").map(key))
}

fn key(value: &HeaderValue) -> Key {
    Key::from(value.as_bytes())
}

/// What a service is told by the layer.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    last_event_id: Option<String>,
    is_counted: bool,
}

async fn told(layer: &SseLayer, request: Builder) -> Told {
    let service = service_fn(|request: Request<()>| {
        let last_event_id = request.extensions().get::<LastEventId>().map(ToString::to_string);
        let is_counted = request.extensions().get::<Ticket>().is_some();
        let mut response = Response::new(Full::<Bytes>::default());
        response.extensions_mut().insert(Arc::new(Told { last_event_id, is_counted }));
        ready(Ok::<_, Infallible>(response))
    });
    let response = layer.layer(service).oneshot(request.body(()).unwrap()).await.unwrap();
    let told = response.into_parts().0.extensions.remove::<Arc<Told>>().unwrap();
    Arc::into_inner(told).unwrap()
}

async fn last_event_id(layer: &SseLayer, request: Builder) -> Option<String> {
    told(layer, request).await.last_event_id
}

#[tokio::test(start_paused = true)]
async fn only_a_get_is_counted() {
    let drain = Drain::new();
    let layer = SseLayer::builder().max_streams(1).drain(&drain).build().unwrap();
    let with_id = |method: Method| {
        let request = Request::builder().method(method).uri("/?last_event_id=7");
        request.header("last-event-id", "8").header(ACCEPT, EVENTS)
    };
    let held = open(&layer, with_id(Method::GET)).await;
    assert_eq!((why(&held), layer.streams()), (None, 1));
    drain.now(Duration::ZERO);
    for method in [Method::HEAD, Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
        let expected = Told { last_event_id: None, is_counted: false };
        assert_eq!(told(&layer, with_id(method.clone())).await, expected, "{method}");
        let passed = open(&layer, with_id(method.clone())).await;
        assert_eq!((why(&passed), layer.streams()), (None, 1), "{method}");
        // But if it is a stream, it ends with the process.
        let rest = passed.into_body().collect().await.unwrap().to_bytes();
        assert!(rest.starts_with(b"retry: "), "{method} {rest:?}");
    }
}

/// RFC 8441: what `Upgrade` is over HTTP/1.1.
#[tokio::test]
async fn a_connect_is_counted_as_a_get_is() {
    let layer = SseLayer::builder().max_streams(1).build().unwrap();
    let connect = || Request::builder().method(Method::CONNECT).uri("/?last_event_id=7");
    let expected = Told { last_event_id: Some("7".to_owned()), is_counted: true };
    assert_eq!(told(&layer, connect()).await, expected);
    let held = open(&layer, connect()).await;
    assert_eq!((why(&held), layer.streams()), (None, 1));
    assert_eq!(why(&open(&layer, connect()).await), Some(Rejection::TooMany));
    drop(held);
    assert_eq!(layer.streams(), 0);
}

#[tokio::test]
async fn where_a_client_was_is_in_a_header_or_else_in_the_query() {
    let layer = SseLayer::builder().build().unwrap();
    for (header, target, expected) in [
        (None, "/", None),
        (None, "/?a=b", None),
        (Some("7"), "/", Some("7")),
        (None, "/?last_event_id=8", Some("8")),
        // Browsers send the header when they come back by themselves; the query is from before that.
        (Some("7"), "/?last_event_id=8", Some("7")),
        (Some(""), "/?last_event_id=8", Some("8")),
        (Some(""), "/", None),
        (None, "/?last_event_id=", None),
        (None, "/?last_event_id", None),
        (None, "/?last_event_id=&last_event_id=8&last_event_id=9", Some("8")),
        (None, "/?Last_Event_Id=8", None),
        (None, "/?lastEventId=8", None),
        (None, "/?a=b&last_event_id=00%2Ea%2b&c", Some("00.a+")),
        (None, "/?last%5Fevent%5fid=%C3%A9+x", Some("\u{e9} x")),
        (None, "/?last_event_id=%FF%00", Some("\u{fffd}\0")),
    ] {
        let mut request = get(target);
        if let Some(header) = header {
            request = request.header("Last-Event-ID", header);
        }
        assert_eq!(
            last_event_id(&layer, request).await.as_deref(),
            expected,
            "{header:?} {target}"
        );
    }
}

#[tokio::test]
async fn a_header_that_is_no_text_is_no_place_and_the_first_of_many_counts() {
    let layer = SseLayer::builder().build().unwrap();
    for value in [&b"\xff"[..], "\u{e9}".as_bytes()] {
        let value = HeaderValue::from_bytes(value).unwrap();
        let request = get("/?last_event_id=8").header("last-event-id", value);
        let found = last_event_id(&layer, request).await.unwrap();
        assert!(LastEventId::new(&found).position().is_none());
        assert_ne!(found, "8", "whoever sent it was somewhere");
    }
    let request = get("/").header("last-event-id", "7").header("last-event-id", "8");
    assert_eq!(last_event_id(&layer, request).await.as_deref(), Some("7"));
}

#[tokio::test]
async fn parameters_have_the_names_that_were_said() {
    let named = |names: &[&'static str]| {
        SseLayer::builder().cursor_parameters(names.iter().copied()).build().unwrap()
    };
    for (names, target, expected) in [
        (&["after", "cursor"][..], "/?cursor=7&after=8", Some("7")),
        (&["after", "cursor"], "/?cursor=&after=8", Some("8")),
        (&["after", "cursor"], "/?last_event_id=7", None),
        (&[], "/?last_event_id=7", None),
    ] {
        let found = last_event_id(&named(names), get(target)).await;
        assert_eq!(found.as_deref(), expected, "{names:?} {target}");
    }
}

#[tokio::test]
async fn there_are_so_many_streams_of_all_and_of_one() {
    let layer = two_of_each().max_streams(4).build().unwrap();
    let mut held = Vec::new();
    for (account, expected) in [
        (Some("a"), None),
        (Some("a"), None),
        (Some("a"), Some(Rejection::TooManyOfKey)),
        // Who has no key is counted with all.
        (None, None),
        (Some("b"), None),
        (Some("b"), Some(Rejection::TooMany)),
        (None, Some(Rejection::TooMany)),
    ] {
        let response = open(&layer, account.map_or(get("/"), of)).await;
        assert_eq!(why(&response), expected, "{account:?}");
        held.push(response);
    }
    assert_eq!(layer.streams(), 4);
    // Clones of a layer, and all that was made of it, count together.
    assert_eq!(why(&open(&layer.clone(), of("c")).await), Some(Rejection::TooMany));
    held.remove(0);
    assert_eq!(why(&open(&layer, of("a")).await), None);
    drop(held);
    assert_eq!(layer.streams(), 0);
}

#[tokio::test]
async fn a_stream_is_counted_until_its_body_has_ended_or_is_dropped() {
    let layer = SseLayer::builder().build().unwrap();
    let response = open(&layer, get("/")).await;
    assert_eq!(layer.streams(), 1);
    let (_, body) = response.into_parts();
    assert_eq!(layer.streams(), 1);
    drop(body);
    assert_eq!(layer.streams(), 0);

    let (events, body) = mpsc::channel(1);
    let body = Arc::new(Mutex::new(Some(StreamBody::new(ReceiverStream::new(body)))));
    let service = service_fn(move |_: Request<()>| {
        ready(Ok::<_, Infallible>(Response::new(body.lock().unwrap().take().unwrap())))
    });
    let response = layer.layer(service).oneshot(get("/").body(()).unwrap()).await.unwrap();
    let mut body = Box::pin(response.into_body());
    events.send(Ok::<_, Infallible>(http_body::Frame::data(Bytes::from("x")))).await.unwrap();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "x");
    assert_eq!(layer.streams(), 1);
    drop(events);
    assert!(body.frame().await.is_none() && body.is_end_stream());
    assert_eq!(layer.streams(), 0);
}

#[tokio::test]
async fn what_never_becomes_a_stream_is_not_counted_any_more() {
    let layer = SseLayer::builder().build().unwrap();
    let mut service = layer
        .layer(service_fn(|_: Request<()>| pending::<Result<Response<Endless>, Infallible>>()));
    let future = service.ready().await.unwrap().call(get("/").body(()).unwrap());
    assert_eq!(layer.streams(), 1, "from the request on");
    drop(future);
    assert_eq!(layer.streams(), 0);

    let service = service_fn(|_: Request<()>| ready(Err::<Response<Endless>, _>("broken")));
    let failed = layer.layer(service).oneshot(get("/").body(()).unwrap()).await;
    assert_eq!(failed.unwrap_err(), "broken", "the error is the service's own");
    assert_eq!(layer.streams(), 0);

    let service = service_fn(|_: Request<()>| ready(Ok::<_, Infallible>(unavailable())));
    let browser = get("/").header(ACCEPT, EVENTS).body(()).unwrap();
    let _refused = layer.layer(service).oneshot(browser).await.unwrap();
    assert_eq!(layer.streams(), 0);
}

#[tokio::test]
async fn a_ticket_outlives_the_response() {
    let layer = two_of_each().build().unwrap();
    let kept = Arc::new(Mutex::new(None::<Ticket>));
    let service = {
        let kept = Arc::clone(&kept);
        service_fn(move |request: Request<()>| {
            *kept.lock().unwrap() = request.extensions().get().cloned();
            ready(Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new())))
        })
    };
    let response = layer.layer(service).oneshot(of("a").body(()).unwrap()).await.unwrap();
    drop(response);
    assert_eq!(layer.streams(), 1);
    let _second = open(&layer, of("a")).await;
    assert_eq!(why(&open(&layer, of("a")).await), Some(Rejection::TooManyOfKey));
    let ticket = kept.lock().unwrap().take().unwrap();
    let clone = ticket.clone();
    drop(ticket);
    assert_eq!(layer.streams(), 2);
    drop(clone);
    assert_eq!(layer.streams(), 1);
    assert_eq!(why(&open(&layer, of("a")).await), None);
}

/// A layer that turns away whatever comes next, and why.
struct Closed {
    layer: SseLayer,
    rejection: Rejection,
    _held: Vec<Response<StoneBody<EndingBody<Endless>>>>,
}

const RETRY: Duration = Duration::from_secs(10);

async fn closed() -> [Closed; 3] {
    let drain = Drain::new();
    let builder = || SseLayer::builder().retry(RETRY);
    let layers = [
        (builder().max_streams(1), Rejection::TooMany),
        (builder().max_streams_of(1, |_| Some(Key::from("one"))), Rejection::TooManyOfKey),
        (builder().drain(&drain), Rejection::Draining),
    ];
    let mut closed = Vec::new();
    for (builder, rejection) in layers {
        let layer = builder.build().unwrap();
        let _held = vec![open(&layer, get("/")).await];
        closed.push(Closed { layer, rejection, _held });
    }
    drain.now(Duration::ZERO);
    closed.try_into().ok().unwrap()
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn header(&self, name: impl http::header::AsHeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The time in a stream that has nothing else.
    fn retry(&self) -> u64 {
        let retry = self.text.strip_prefix("retry: ").and_then(|text| text.strip_suffix("\n\n"));
        retry.unwrap_or_else(|| panic!("{:?}", self.text)).parse().unwrap()
    }
}

impl Closed {
    /// What whoever comes next is told. The handler does not run.
    async fn answer(&self, request: Builder) -> Answer {
        let service =
            service_fn(|_: Request<()>| -> Ready<Result<Response<Endless>, Infallible>> {
                panic!("no handler runs");
            });
        let streams = self.layer.streams();
        let response = self.layer.layer(service).oneshot(request.body(()).unwrap()).await.unwrap();
        assert_eq!(self.layer.streams(), streams, "it is not counted");
        let (parts, body) = response.into_parts();
        assert_eq!(parts.extensions.get(), Some(&self.rejection));
        assert_eq!(parts.extensions.get::<NotExecuted>(), Some(&NotExecuted));
        let problem = parts.extensions.get::<Problem>().unwrap();
        assert_eq!(problem.type_uri(), format!("urn:stonework:sse:{}", self.rejection.slug()));
        assert_eq!(problem.status(), self.rejection.status());
        let text = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(text.to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, text }
    }
}

/// After anything but a stream it would never come back.
#[tokio::test]
async fn a_browser_is_told_when_to_come_back_by_a_stream_that_ends() {
    for closed in closed().await {
        for accept in [EVENTS, "text/html, Text/Event-Stream;q=0.9"] {
            let answer = closed.answer(get("/").header(ACCEPT, accept)).await;
            assert_eq!((answer.status, answer.header(CONTENT_TYPE)), (StatusCode::OK, EVENTS));
            assert_eq!(answer.header(CACHE_CONTROL), "no-store");
            assert!((5_000..=10_000).contains(&answer.retry()), "{}", answer.text);
        }
    }
}

#[tokio::test]
async fn others_are_told_why_by_a_problem() {
    for closed in closed().await {
        for accept in ["*/*", "application/json", "text/event-streams"] {
            let answer = closed.answer(get("/").header(ACCEPT, accept)).await;
            assert_eq!(answer.status, closed.rejection.status());
            assert_eq!(answer.header(CONTENT_TYPE), "application/problem+json");
            let after: u64 = answer.header(RETRY_AFTER).parse().unwrap();
            assert!((5..=10).contains(&after), "{after}");
            let type_uri = format!("\"urn:stonework:sse:{}\"", closed.rejection.slug());
            assert!(answer.text.contains(&type_uri), "{}", answer.text);
        }
    }
    assert_eq!(Rejection::TooMany.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(Rejection::TooManyOfKey.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(Rejection::Draining.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn grpc_is_told_in_its_own_words() {
    for closed in closed().await {
        for content_type in ["application/grpc", "application/grpc-web+proto"] {
            let answer = closed.answer(get("/").header(CONTENT_TYPE, content_type)).await;
            let code = if closed.rejection == Rejection::TooManyOfKey { "8" } else { "14" };
            assert_eq!((answer.status, answer.header("grpc-status")), (StatusCode::OK, code));
            assert!(answer.text.is_empty() && answer.header(CONTENT_TYPE).contains("grpc"));
            let after: u64 = answer.header("grpc-retry-pushback-ms").parse().unwrap();
            assert!((5_000..=10_000).contains(&after), "{after}");
        }
    }
}

#[tokio::test]
async fn not_all_come_back_at_once() {
    let [closed, ..] = closed().await;
    let mut told = [BTreeSet::new(), BTreeSet::new(), BTreeSet::new()];
    for _ in 0..100 {
        let stream = closed.answer(get("/").header(ACCEPT, EVENTS)).await;
        told[0].insert(stream.retry());
        let problem = closed.answer(get("/")).await;
        told[1].insert(problem.header(RETRY_AFTER).parse().unwrap());
        let grpc = closed.answer(get("/").header(CONTENT_TYPE, "application/grpc")).await;
        told[2].insert(grpc.header("grpc-retry-pushback-ms").parse().unwrap());
    }
    // A hundred draws out of thousands, and out of five whole seconds.
    assert!(told[0].len() > 50 && told[2].len() > 50, "{told:?}");
    assert!(told[1].len() > 1, "{told:?}");
}

#[tokio::test]
async fn problems_have_the_base_that_was_said() {
    let builder = SseLayer::builder().max_streams(1).problem_base("https://example.com/problems/");
    let layer = builder.build().unwrap();
    let _held = open(&layer, get("/")).await;
    let refused = open(&layer, get("/")).await;
    let problem = refused.extensions().get::<Problem>().unwrap();
    assert_eq!(problem.type_uri(), "https://example.com/problems/too-many-streams");
}

/// What a handler answers that could not subscribe.
fn unavailable() -> Response<Full<Bytes>> {
    let error = SubscribeError::from(StoreError::new(StoreErrorKind::Unavailable));
    error.to_response().map(Full::new)
}

#[tokio::test]
async fn a_handler_that_cannot_subscribe_brings_browsers_back_too() {
    let layer = SseLayer::builder().retry(RETRY).build().unwrap();
    // A layer further in has seen to it that the page may read the answer.
    let mut readable = unavailable();
    readable.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    let (rejection, answer) = answered(&layer, get("/").header(ACCEPT, EVENTS), readable).await;
    assert_eq!(rejection, Some(Rejection::Unavailable));
    assert_eq!(answer.header(ACCESS_CONTROL_ALLOW_ORIGIN), "*");
    assert_eq!((answer.status, answer.header(CONTENT_TYPE)), (StatusCode::OK, EVENTS));
    assert_eq!(answer.header(RETRY_AFTER), "", "it is no problem any more");
    assert!((5_000..=10_000).contains(&answer.retry()), "{}", answer.text);

    let (rejection, answer) = answered(&layer, get("/"), unavailable()).await;
    assert_eq!(rejection, Some(Rejection::Unavailable));
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.header(CONTENT_TYPE), "application/problem+json");
    assert!(!answer.header(RETRY_AFTER).is_empty());
}

/// Some statuses are meant to keep a browser away.
#[tokio::test]
async fn what_else_a_handler_says_is_its_own_business() {
    let layer = SseLayer::builder().build().unwrap();
    for status in [503, 429, 204, 404] {
        let mut own = Response::new(Full::from("its own"));
        *own.status_mut() = StatusCode::from_u16(status).unwrap();
        let (rejection, answer) = answered(&layer, get("/").header(ACCEPT, EVENTS), own).await;
        assert_eq!((rejection, answer.status.as_u16(), &*answer.text), (None, status, "its own"));
    }
}

/// What comes of it when a handler answers with this.
async fn answered(
    layer: &SseLayer,
    request: Builder,
    response: Response<Full<Bytes>>,
) -> (Option<Rejection>, Answer) {
    let service = service_fn(move |_: Request<()>| ready(Ok::<_, Infallible>(response.clone())));
    let response = layer.layer(service).oneshot(request.body(()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let text = body.collect().await.unwrap().to_bytes();
    let text = String::from_utf8(text.to_vec()).unwrap();
    let answer = Answer { status: parts.status, headers: parts.headers, text };
    (parts.extensions.get().copied(), answer)
}

/// Panics unless it was ready before it is called, and is not `Clone`.
struct Strict {
    is_ready: bool,
    readiness: mpsc::Receiver<Result<(), &'static str>>,
}

impl Service<Request<()>> for Strict {
    type Response = Response<Empty<Bytes>>;
    type Error = &'static str;
    type Future = Ready<Result<Self::Response, &'static str>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        let polled = self.readiness.poll_recv(cx).map(Option::unwrap);
        self.is_ready = matches!(polled, Poll::Ready(Ok(())));
        polled
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        assert!(std::mem::take(&mut self.is_ready), "it was not asked whether it is ready");
        ready(Ok(Response::default()))
    }
}

#[tokio::test]
async fn it_is_ready_when_the_service_inside_is() {
    let (tell, readiness) = mpsc::channel(1);
    let layer = SseLayer::builder().build().unwrap();
    let mut service = layer.layer(Strict { is_ready: false, readiness });
    let mut ready = tokio_test::task::spawn(service.ready());
    assert!(ready.poll().is_pending());
    tell.try_send(Ok(())).unwrap();
    assert!(ready.is_woken());
    drop(ready);
    service.ready().await.unwrap().call(get("/").body(()).unwrap()).await.unwrap();
    tell.try_send(Err("broken")).unwrap();
    assert_eq!(service.ready().await.err(), Some("broken"), "the error is the service's own");
    assert_eq!(layer.streams(), 0, "who is not called is not counted");
}

/// A permit that was taken is used by the next request, if this one was turned away.
#[tokio::test]
async fn the_service_that_was_asked_is_the_one_that_is_called() {
    let layer = two_of_each().build().unwrap();
    let service = service_fn(|_: Request<()>| ready(Ok::<_, Infallible>(endless())));
    let mut service = layer.layer(ConcurrencyLimit::new(service, 1));
    let mut held = Vec::new();
    for expected in [None, None, Some(Rejection::TooManyOfKey), Some(Rejection::TooManyOfKey)] {
        let request = of("a").body(()).unwrap();
        let response = service.ready().await.unwrap().call(request).await.unwrap();
        assert_eq!(why(&response), expected);
        held.push(response);
    }
    let request = of("b").body(()).unwrap();
    assert_eq!(why(&service.ready().await.unwrap().call(request).await.unwrap()), None);
}

/// Neither the key nor the service inside is `Clone`, and bodies need be nothing but bodies.
#[test]
fn nothing_need_be_clone_or_send_but_what_has_to() {
    struct NotClone(&'static str);
    fn is_clone<T: Clone + Send + Sync + 'static>(_: &T) {}
    fn answers<S, B>(service: S)
    where
        S: Service<Request<Rc<()>>, Response = Response<B>, Error = Rc<str>>,
        B: Body<Data = Bytes, Error = Rc<str>> + Default,
    {
        drop(service);
    }

    let name = NotClone("account");
    let layer =
        SseLayer::builder().max_streams_of(1, move |head| head.headers.get(name.0).map(key));
    let layer = layer.build().unwrap();
    is_clone(&layer);
    is_clone(&layer.layer(service_fn(|_: Request<()>| pending::<Result<Response<Endless>, ()>>())));
    let own = RefCell::new(0);
    let not_clone = NotClone("service");
    answers(layer.layer(service_fn(move |_: Request<Rc<()>>| {
        *own.borrow_mut() += not_clone.0.len();
        let body = UnsyncBoxBody::<Bytes, Rc<str>>::default();
        ready(Ok::<_, Rc<str>>(Response::new(body)))
    })));
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let one = |_: &stonework_core::RequestHead<'_>| Some(Key::from("one"));
    for (builder, expected) in [
        (SseLayer::builder().max_streams(0), &["max_streams"][..]),
        (SseLayer::builder().max_streams_of(0, one), &["max_streams_of"]),
        (SseLayer::builder().retry(Duration::ZERO), &["retry"]),
        (
            SseLayer::builder().retry(Duration::ZERO).max_streams_of(0, one).max_streams(0),
            &["max_streams", "max_streams_of", "retry"],
        ),
    ] {
        let errors = builder.build().unwrap_err();
        let settings: Vec<_> = errors.iter().map(|error| error.setting).collect();
        assert_eq!(settings, expected);
        for error in &errors {
            // The value, what is wrong with it, and what to do.
            let told = error.to_string();
            let value = if error.setting == "retry" { "0ns" } else { "0" };
            assert!(told.starts_with(&format!("{}({value}): ", error.setting)), "{told}");
            assert!(told.contains("; use "), "{told}");
        }
    }
    let extreme = SseLayer::builder().max_streams(usize::MAX).retry(Duration::MAX);
    assert!(extreme.max_streams_of(1, one).build().is_ok());
}

#[tokio::test]
async fn debug_tells_nothing_of_whoever_asks() {
    let drain = Drain::new();
    let layer = two_of_each().drain(&drain).problem_base("secret:").build().unwrap();
    let told = Arc::new(Mutex::new(String::new()));
    let service = {
        let told = Arc::clone(&told);
        service_fn(move |request: Request<()>| {
            let ticket = request.extensions().get::<Ticket>().unwrap();
            told.lock().unwrap().push_str(&format!("{ticket:?}"));
            let secrets = tokio_stream::iter([Event::new("secret").frame()]);
            ready(Ok::<_, Infallible>(SseBody::new(secrets).into_response()))
        })
    };
    let service = layer.layer(service);
    let request = of("secret").header("last-event-id", "secret").body(()).unwrap();
    let mut future = pin!(service.clone().oneshot(request));
    let response = future.as_mut().await.unwrap();
    let mut told = told.lock().unwrap().clone();
    told += &format!("{layer:?} {drain:?} {:?} {:?}", response.body(), two_of_each());
    let future = layer.layer(Silent).call(of("secret").body(()).unwrap());
    told += &format!(" {future:?} {:?}", layer.layer(Silent));
    assert_eq!(
        told,
        "Ticket { .. }\
         SseLayer { streams: 1, .. } Drain { how: None } StoneBody(\"inner\") \
         SseLayerBuilder { max_streams: 10000, .. } \
         ResponseFuture(\"going\") SseService { inner: Silent, .. }"
    );
    let body = EndingBody::<Empty<Bytes>>::default();
    assert_eq!(format!("{body:?}"), "EndingBody { is_over: false, .. }");
}

#[derive(Clone, Debug)]
struct Silent;

impl Service<Request<()>> for Silent {
    type Response = Response<Empty<Bytes>>;
    type Error = Infallible;
    type Future = std::future::Pending<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        pending()
    }
}

#[test]
fn what_is_read_and_written_is_listed_for_cors() {
    assert_eq!(REQUEST_HEADERS, ["last-event-id", "if-none-match"]);
    assert_eq!(RESPONSE_HEADERS, ["last-event-id", "etag", "retry-after"]);
}

#[tokio::test(start_paused = true)]
async fn without_a_drain_a_ticket_waits_for_ever() {
    let layer = SseLayer::builder().build().unwrap();
    let kept = Arc::new(Mutex::new(None::<Ticket>));
    let service = {
        let kept = Arc::clone(&kept);
        service_fn(move |request: Request<()>| {
            *kept.lock().unwrap() = request.extensions().get().cloned();
            ready(Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new())))
        })
    };
    layer.layer(service).oneshot(get("/").body(()).unwrap()).await.unwrap();
    let ticket = kept.lock().unwrap().take().unwrap();
    let waited = tokio::time::timeout(Duration::from_secs(1_000_000), ticket.drained()).await;
    assert!(waited.is_err());
}
