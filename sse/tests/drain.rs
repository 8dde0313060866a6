//! A process that is to end: which streams end when, and with what. In paused time.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Full, StreamBody};
use stonework_core::{Clock, StoneBody, TokioClock};
use stonework_sse::{
    Drain, EndingBody, KeepAlive, Rejection, SseBody, SseLayer, SseLayerBuilder, Ticket,
};
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;
use tower::{Layer, Service, ServiceExt, service_fn};

const RETRY: Duration = Duration::from_secs(4);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// How much later a timer may be than it was set to.
const TICK: Duration = Duration::from_millis(1);

fn drained_by(drain: &Drain) -> SseLayerBuilder {
    SseLayer::builder().drain(drain).retry(RETRY)
}

type Ending<B> = Pin<Box<StoneBody<EndingBody<B>>>>;

/// The body of what a service answers with below the layer.
async fn below<B>(layer: &SseLayer, response: Response<B>) -> Ending<B> {
    let response = Mutex::new(Some(response));
    let service = service_fn(move |_: Request<()>| {
        ready(Ok::<_, Infallible>(response.lock().unwrap().take().unwrap()))
    });
    let request = Request::get("/").body(()).unwrap();
    Box::pin(layer.layer(service).oneshot(request).await.unwrap().into_body())
}

type Foreign = StreamBody<ReceiverStream<Result<http_body::Frame<Bytes>, Infallible>>>;

/// A stream that somebody else writes, piece by piece.
struct Pieces(mpsc::Sender<Result<http_body::Frame<Bytes>, Infallible>>);

impl Pieces {
    fn response(headers: &[(HeaderName, &str)]) -> (Self, Response<Foreign>) {
        let (sender, receiver) = mpsc::channel(16);
        let mut response = Response::builder();
        for (name, value) in headers {
            response = response.header(name, *value);
        }
        let body = StreamBody::new(ReceiverStream::new(receiver));
        (Self(sender), response.body(body).unwrap())
    }

    /// Below the layer, as an event stream.
    async fn below(layer: &SseLayer) -> (Self, Ending<Foreign>) {
        let (pieces, response) = Self::response(&[(CONTENT_TYPE, "text/event-stream")]);
        (pieces, below(layer, response).await)
    }

    async fn write(&self, piece: &'static str) {
        self.0.send(Ok(http_body::Frame::data(Bytes::from(piece)))).await.unwrap();
    }
}

/// The next piece; nothing at the end.
async fn piece<B: Body<Data = Bytes, Error = Infallible>>(body: &mut Ending<B>) -> Option<String> {
    let data = body.frame().await?.unwrap().into_data().unwrap();
    Some(String::from_utf8(data.to_vec()).unwrap())
}

/// What comes from now on until it ends, and when it does.
async fn rest<B>(mut body: Ending<B>, clock: TokioClock) -> (String, Duration)
where
    B: Body<Data = Bytes, Error = Infallible>,
{
    let mut text = String::new();
    while let Some(piece) = piece(&mut body).await {
        text += &piece;
    }
    assert!(body.is_end_stream());
    (text, clock.monotonic())
}

/// The time in a block that has nothing else.
fn retry(text: &str) -> u64 {
    let retry = text.strip_prefix("retry: ").and_then(|text| text.strip_suffix("\n\n"));
    retry.unwrap_or_else(|| panic!("{text:?}")).parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn all_streams_end_within_the_spread_each_at_its_own_time() {
    let drain = Drain::new();
    let layer = drained_by(&drain).build().unwrap();
    let clock = TokioClock::new();
    let mut ends = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let endless = SseBody::new(tokio_stream::pending::<stonework_sse::Frame>());
        let endless = endless.keep_alive(KeepAlive::never()).into_response();
        ends.spawn(rest(below(&layer, endless).await, clock));
    }
    tokio::time::sleep(seconds(60)).await;
    assert_eq!(layer.streams(), 100, "none has an end of its own");
    drain.now(seconds(2));
    let ends = ends.join_all().await;
    assert_eq!(layer.streams(), 0);
    for (text, at) in &ends {
        assert!((2_000..=4_000).contains(&retry(text)), "{text}");
        assert!((seconds(60)..=seconds(62) + TICK).contains(at), "{at:?}");
    }
    // A hundred draws out of two thousand.
    let times: BTreeSet<_> = ends.iter().map(|(_, at)| *at).collect();
    let retries: BTreeSet<_> = ends.iter().map(|(text, _)| retry(text)).collect();
    assert!(times.len() > 50 && retries.len() > 50, "{times:?} {retries:?}");
}

#[tokio::test(start_paused = true)]
async fn streams_that_may_finish_are_ended_when_their_time_is_up() {
    let drain = Drain::new();
    let layer = drained_by(&drain).build().unwrap();
    let clock = TokioClock::new();
    let (finishes, body) = Pieces::below(&layer).await;
    let finished = tokio::spawn(rest(body, clock));
    let (goes_on, body) = Pieces::below(&layer).await;
    let ended = tokio::spawn(rest(body, clock));
    drain.finish_streams(seconds(30));
    tokio::time::sleep(seconds(20)).await;
    goes_on.write("data: a\n\n").await;
    finishes.write("data: the last word\n\n").await;
    drop(finishes);
    assert_eq!(finished.await.unwrap(), ("data: the last word\n\n".to_owned(), seconds(20)));
    let (text, at) = ended.await.unwrap();
    assert!((2_000..=4_000).contains(&retry(text.strip_prefix("data: a\n\n").unwrap())), "{text}");
    assert!((seconds(30)..=seconds(30) + TICK).contains(&at), "{at:?}");
    assert_eq!(layer.streams(), 0);
}

#[tokio::test(start_paused = true)]
async fn events_are_given_until_the_end_has_come() {
    let drain = Drain::new();
    let layer = drained_by(&drain).build().unwrap();
    let (pieces, mut body) = Pieces::below(&layer).await;
    drain.finish_streams(seconds(10));
    for data in ["data: a\n\n", "data: b\n\n"] {
        pieces.write(data).await;
        assert_eq!(piece(&mut body).await.unwrap(), data);
    }
    tokio::time::sleep(seconds(11)).await;
    // However much there would be.
    pieces.write("data: c\n\n").await;
    retry(&piece(&mut body).await.unwrap());
    assert_eq!(piece(&mut body).await, None);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_said_in_the_middle_of_a_block() {
    for (pieces, is_told) in [
        (&[][..], true),
        (&["data: a\n\n"], true),
        (&["data: a\n"], false),
        (&["data: a\n\n", "data: "], false),
        (&["data: a\n\n", "data: b\n", "\n"], true),
        (&["data: a\r\n\r\n"], true),
        (&["data: a\r\n"], false),
        (&["data: a\r\n", "\r", "\n"], true),
        (&["data: a\r", "\r"], true),
        (&["data: a\r"], false),
        (&["data: a\r\r\n"], true),
        (&["data: a\n\n", "", ":"], false),
        (&[":\n\n", ""], true),
        (&["id: 7\n\ndata: b\n\ndata: c"], false),
    ] {
        let drain = Drain::new();
        let layer = drained_by(&drain).build().unwrap();
        let (writer, mut body) = Pieces::below(&layer).await;
        for piece in pieces {
            writer.write(piece).await;
            let frame = body.frame().await.unwrap().unwrap();
            assert_eq!(frame.into_data().unwrap(), *piece);
        }
        drain.now(Duration::ZERO);
        let (text, _) = rest(body, TokioClock::new()).await;
        match is_told {
            true => drop(retry(&text)),
            false => assert_eq!(text, "", "{pieces:?}"),
        }
        assert_eq!(layer.streams(), 0);
    }
}

/// A client that reads what was told it as a browser does has an event, or has not, and never another one.
#[tokio::test(start_paused = true)]
async fn what_was_begun_is_no_event() {
    let drain = Drain::new();
    let layer = drained_by(&drain).build().unwrap();
    let (writer, body) = Pieces::below(&layer).await;
    writer.write("id: 1\ndata: a\n\nid: 2\ndata: b\n").await;
    let told = tokio::spawn(rest(body, TokioClock::new()));
    tokio::task::yield_now().await;
    drain.now(Duration::ZERO);
    let mut decoder = stonework_sse::Decoder::new();
    decoder.feed(told.await.unwrap().0.as_bytes());
    assert_eq!(decoder.message().unwrap().unwrap().data, "a");
    assert_eq!(decoder.message().unwrap(), None);
    assert_eq!(decoder.last_event_id(), "1");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_here_is_ended_without_a_word() {
    let drain = Drain::new();
    let layer = drained_by(&drain).build().unwrap();
    let gzip = [(CONTENT_TYPE, "text/event-stream"), (CONTENT_ENCODING, "gzip")];
    let (_writer, response) = Pieces::response(&gzip);
    let body = below(&layer, response).await;
    drain.now(Duration::ZERO);
    assert_eq!(rest(body, TokioClock::new()).await.0, "");
}

#[tokio::test(start_paused = true)]
async fn only_event_streams_are_ended() {
    for (content_type, is_ended) in [
        ("text/event-stream", true),
        ("Text/Event-Stream; charset=utf-8", true),
        ("text/event-streams", false),
        ("text/plain", false),
        ("application/x-ndjson", false),
        ("", false),
    ] {
        let drain = Drain::new();
        let layer = drained_by(&drain).build().unwrap();
        let (writer, response) = Pieces::response(&[(CONTENT_TYPE, content_type)]);
        let mut body = below(&layer, response).await;
        drain.now(Duration::ZERO);
        tokio::time::sleep(seconds(1)).await;
        writer.write("its own").await;
        let told = piece(&mut body).await.unwrap();
        assert_eq!(told != "its own", is_ended, "{content_type}: {told}");
    }
}

/// The client has been told how much comes.
#[tokio::test(start_paused = true)]
async fn what_has_a_length_comes_to_its_end() {
    let drain = Drain::new();
    let layer = drained_by(&drain).build().unwrap();
    let mut response = Response::new(Full::from("retry: 10\n\n"));
    response.headers_mut().insert(CONTENT_TYPE, "text/event-stream".parse().unwrap());
    let body = below(&layer, response).await;
    assert_eq!(body.size_hint().exact(), Some(11), "as it was");

    let with_length = [(CONTENT_TYPE, "text/event-stream"), (CONTENT_LENGTH, "18")];
    let (writer, response) = Pieces::response(&with_length);
    let mut in_pieces = below(&layer, response).await;
    writer.write("data: a\n\n").await;
    assert_eq!(piece(&mut in_pieces).await.unwrap(), "data: a\n\n");

    drain.now(Duration::ZERO);
    tokio::time::sleep(seconds(1)).await;
    assert_eq!(rest(body, TokioClock::new()).await.0, "retry: 10\n\n");
    writer.write("data: b\n\n").await;
    drop(writer);
    assert_eq!(rest(in_pieces, TokioClock::new()).await.0, "data: b\n\n");
}

#[tokio::test(start_paused = true)]
async fn streams_that_have_ended_are_not_touched() {
    let drain = Drain::new();
    let layer = drained_by(&drain).build().unwrap();
    let (writer, mut body) = Pieces::below(&layer).await;
    drop(writer);
    assert_eq!(piece(&mut body).await, None);
    drain.now(Duration::ZERO);
    tokio::time::sleep(seconds(1)).await;
    assert_eq!(piece(&mut body).await, None);
    assert!(body.is_end_stream());
}

#[tokio::test(start_paused = true)]
async fn who_comes_meanwhile_is_turned_away() {
    let drain = Drain::new();
    let layer = drained_by(&drain).build().unwrap();
    let (_writer, body) = Pieces::below(&layer).await;
    drain.finish_streams(seconds(60));
    let service = service_fn(|_: Request<()>| -> Ready<Result<Response<Foreign>, Infallible>> {
        panic!("no handler runs");
    });
    let browser = Request::get("/").header(ACCEPT, "text/event-stream").body(()).unwrap();
    let refused = layer.layer(service).oneshot(browser).await.unwrap();
    assert_eq!(refused.extensions().get(), Some(&Rejection::Draining));
    let text = refused.into_body().collect().await.unwrap().to_bytes();
    retry(std::str::from_utf8(&text).unwrap());
    assert_eq!(layer.streams(), 1);
    drop(body);
}

#[tokio::test(start_paused = true)]
async fn only_the_first_call_counts() {
    let drain = Drain::new();
    let layer = drained_by(&drain).build().unwrap();
    let (_writer, body) = Pieces::below(&layer).await;
    let clock = TokioClock::new();
    let ended = tokio::spawn(rest(body, clock));
    assert!(!drain.has_begun());
    drain.clone().finish_streams(seconds(50));
    assert!(drain.has_begun(), "clones are the same one");
    tokio::time::sleep(seconds(10)).await;
    drain.now(Duration::ZERO);
    drain.finish_streams(Duration::ZERO);
    let (_, at) = ended.await.unwrap();
    assert!((seconds(50)..=seconds(50) + TICK).contains(&at), "{at:?}");
}

/// The time begins when it was said, and not when somebody looks.
#[tokio::test(start_paused = true)]
async fn who_is_late_has_less_time() {
    let drain = Drain::new();
    let layer = drained_by(&drain).build().unwrap();
    let clock = TokioClock::new();
    // One that nobody has read, and one that is answered later.
    let (writer, unread) = Pieces::below(&layer).await;
    let (answer, answered) = oneshot::channel();
    let answered = Arc::new(Mutex::new(Some(answered)));
    let mut service = layer.layer(service_fn(move |_: Request<()>| {
        let answered = answered.lock().unwrap().take().unwrap();
        async { Ok::<Response<Foreign>, Infallible>(answered.await.unwrap()) }
    }));
    let admitted = service.ready().await.unwrap().call(Request::get("/").body(()).unwrap());
    drain.finish_streams(seconds(10));
    tokio::time::sleep(seconds(8)).await;
    writer.write("data: a\n\n").await;
    let unread = tokio::spawn(rest(unread, clock));
    let (late, response) = Pieces::response(&[(CONTENT_TYPE, "text/event-stream")]);
    answer.send(response).unwrap();
    let admitted = tokio::spawn(rest(Box::pin(admitted.await.unwrap().into_body()), clock));
    late.write("data: a\n\n").await;
    for ended in [unread, admitted] {
        let (text, at) = ended.await.unwrap();
        retry(text.strip_prefix("data: a\n\n").unwrap());
        assert!((seconds(10)..=seconds(10) + TICK).contains(&at), "{at:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_holds_a_ticket_is_told() {
    let drain = Drain::new();
    let layer = drained_by(&drain).build().unwrap();
    let tickets = Arc::new(Mutex::new(Vec::new()));
    let service = {
        let tickets = Arc::clone(&tickets);
        service_fn(move |request: Request<()>| {
            tickets.lock().unwrap().push(request.extensions().get::<Ticket>().unwrap().clone());
            ready(Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())))
        })
    };
    let clock = TokioClock::new();
    let mut told = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let request = Request::get("/").body(()).unwrap();
        layer.layer(service.clone()).oneshot(request).await.unwrap();
    }
    let kept = tickets.lock().unwrap()[0].clone();
    for ticket in tickets.lock().unwrap().drain(..) {
        told.spawn(async move {
            ticket.drained().await;
            clock.monotonic()
        });
    }
    tokio::time::sleep(seconds(1)).await;
    assert_eq!(layer.streams(), 100);
    drain.now(seconds(3));
    let times: BTreeSet<_> = told.join_all().await.into_iter().collect();
    assert!(times.iter().all(|at| (seconds(1)..=seconds(4) + TICK).contains(at)), "{times:?}");
    assert!(times.len() > 50, "{times:?}");
    assert_eq!(layer.streams(), 1);
    // Who asks later is told at once.
    tokio::time::sleep(seconds(60)).await;
    kept.drained().await;
    assert!(clock.monotonic() <= seconds(64) + 2 * TICK);
}

#[test]
fn what_it_will_do_can_be_seen() {
    let drain = Drain::new();
    assert_eq!(format!("{drain:?}"), "Drain { how: None }");
    drain.now(seconds(2));
    assert_eq!(format!("{drain:?}"), "Drain { how: Some(Now { spread: 2s }) }");
}
