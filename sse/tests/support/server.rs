//! A server of one log, which can be killed.

use std::future::ready;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use axum::middleware::map_request;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use stonework_sse::store::{EventLog, MemoryLog};
use stonework_sse::{
    Delivery, Drain, Event, Frame, Hub, KeepAlive, LastEventId, Position, Publish, PublishError,
    SseBody, SseLayer, Subscribe, SubscribeError,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::{Notify, mpsc, watch};
use tokio_stream::StreamExt;
use tower::ServiceExt;

pub(crate) const LOG: &str = "log";

/// After which time clients come back that nobody has told otherwise.
const RETRY: Duration = Duration::from_millis(10);

/// Often, so that comments come between all that is told.
const QUIET: Duration = Duration::from_millis(20);

#[derive(Clone)]
struct App {
    hub: Hub,
    /// Where each who has come says it was.
    arrivals: mpsc::UnboundedSender<Option<String>>,
}

/// A server with a log. If that is in memory, all that it has is gone with it.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) hub: Hub,
    /// Who has come, and was subscribed.
    pub(crate) arrivals: mpsc::UnboundedReceiver<Option<String>>,
    pub(crate) app: Router,
    drain: Drain,
    stop: Arc<Notify>,
    /// How often events were asked for.
    asked: watch::Sender<usize>,
    runtime: Option<Runtime>,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(MemoryLog::new(), 10_000, Duration::from_secs(5))
    }

    /// With so many streams at most. Who is told to come back does so after this time, or sooner.
    pub(crate) fn with(log: impl EventLog, streams: usize, retry: Duration) -> Self {
        let (sender, arrivals) = mpsc::unbounded_channel();
        let hub = Hub::builder(log).build().unwrap();
        let drain = Drain::new();
        let layer = SseLayer::builder().max_streams(streams).drain(&drain).retry(retry);
        let layer = layer.build().unwrap();
        let asked = watch::Sender::new(0);
        let noted = asked.clone();
        let note = map_request(move |request: Request| {
            noted.send_modify(|asked| *asked += 1);
            ready(request)
        });
        let app = Router::new()
            .route("/events", get(events).layer(layer.clone()))
            .route("/unavailable", get(unavailable))
            .route_layer(note)
            .route("/frames", get(frames))
            .route("/bytes", get(bytes))
            .fallback(get(page))
            .with_state(App { hub: hub.clone(), arrivals: sender });
        // Its own, so that nothing of it outlives it.
        let runtime = Runtime::new().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (served, stop) = (app.clone(), Arc::new(Notify::new()));
        let stopped = Arc::clone(&stop).notified_owned();
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            axum::serve(listener, served).with_graceful_shutdown(stopped).await.unwrap();
        });
        Self { address, hub, arrivals, app, drain, stop, asked, runtime: Some(runtime) }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Ends as a process does that is told to.
    pub(crate) fn stop(&self) {
        self.stop.notify_one();
        self.drain.now(Duration::ZERO);
    }

    pub(crate) fn asked(&self) -> usize {
        *self.asked.borrow()
    }

    /// Waits until events were asked for so often, whatever was answered.
    pub(crate) async fn until_asked(&self, times: usize) {
        self.asked.subscribe().wait_for(|asked| *asked >= times).await.unwrap();
    }

    /// Where its log ends.
    pub(crate) async fn cursor(&self) -> String {
        self.hub.subscribe(Subscribe::to(LOG)).await.unwrap().position().to_string()
    }

    /// An event of this type.
    pub(crate) async fn tell(&self, event_type: &str, data: &str) {
        self.try_to_tell(&told(event_type, data)).await.unwrap();
    }

    pub(crate) async fn try_to_tell(&self, event: &Publish<'_>) -> Result<Position, PublishError> {
        self.hub.publish(event.clone()).await
    }
}

pub(crate) fn told<'a>(event_type: &'a str, data: &'a str) -> Publish<'a> {
    Publish::to(LOG, Event::new(data).event_type(event_type).unwrap())
}

impl Drop for Server {
    /// Nobody is told anything.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// What a client was told.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Told {
    #[serde(rename = "type")]
    pub(crate) event_type: String,
    pub(crate) data: String,
    #[serde(default)]
    pub(crate) id: Option<String>,
}

impl Told {
    /// Which of the events of a journey it is.
    pub(crate) fn number(&self) -> Option<usize> {
        let (number, _) = self.data.split_once('\n')?;
        number.parse().ok().filter(|_| self.event_type == "note")
    }
}

/// A stream that is open, and that nobody reads.
pub(crate) async fn stream(server: &Server) -> Body {
    let request = Request::get("/events").body(Body::empty()).unwrap();
    let response = server.app.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    response.into_body()
}

async fn events(
    State(app): State<App>,
    after: Option<LastEventId>,
) -> Result<Response, SubscribeError> {
    let was_at = after.as_ref().map(|after| after.as_str().to_owned());
    let events = app.hub.subscribe(Subscribe::to(LOG).after(after)).await?;
    // Who comes back has been told. A block without an id that is the first makes httpx-sse forget where it was.
    let retry = was_at.is_none().then(|| Frame::retry(RETRY));
    let _ = app.arrivals.send(was_at);
    let frames = tokio_stream::iter(retry).chain(events.map(Frame::from));
    let body = SseBody::new(frames).keep_alive(KeepAlive::every(QUIET).unwrap());
    // Pages of any origin may read it.
    Ok(([(ACCESS_CONTROL_ALLOW_ORIGIN, "*")], body.into_response()).into_response())
}

/// The id that comes without an event.
pub(crate) const CHECKPOINT: &str = "00000001.7.00000007";

/// One of each kind, and then the end.
pub(crate) fn kinds() -> Vec<Frame> {
    let event = |data: &'static str| Event::new(data);
    vec![
        Frame::retry(Duration::from_millis(1_234)),
        Frame::comment("nothing"),
        event("first").id("1").unwrap().frame(),
        event("").id("2").unwrap().frame(),
        event("a\r\nb\rc\nd").id("3").unwrap().frame(),
        event(" two lines \n\n data: with: colons\n").id("4").unwrap().frame(),
        event("\u{feff}\u{85}\u{2028}\u{2029}\u{b}\u{c}\u{1c}\u{1f600}\0").id("5").unwrap().frame(),
        event("{\"a\":1}").event_type("transfer").unwrap().id("6").unwrap().frame(),
        event("no id").frame(),
        Frame::comment(""),
        Delivery::Checkpoint(CHECKPOINT.parse().unwrap()).into(),
        event("{\"reason\":\"trimmed\"}").event_type("gap").unwrap().id("8").unwrap().frame(),
    ]
}

pub(crate) fn event(event_type: &str, data: &str, id: &str) -> Told {
    Told { event_type: event_type.into(), data: data.into(), id: Some(id.into()) }
}

/// All kinds of frames, as browsers read them.
pub(crate) fn all() -> Vec<Told> {
    vec![
        event("message", "first", "1"),
        event("message", "", "2"),
        event("message", "a\nb\nc\nd", "3"),
        event("message", " two lines \n\n data: with: colons\n", "4"),
        event("message", "\u{feff}\u{85}\u{2028}\u{2029}\u{b}\u{c}\u{1c}\u{1f600}\0", "5"),
        event("transfer", r#"{"a":1}"#, "6"),
        event("message", "no id", "6"),
        event("gap", r#"{"reason":"trimmed"}"#, "8"),
    ]
}

/// As a service does that knows nothing of browsers.
async fn unavailable() -> impl IntoResponse {
    (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "0")])
}

/// Nothing, on a connection of its own.
async fn page() -> impl IntoResponse {
    let page = "<!doctype html><link rel=icon href=data:,><title>page</title>";
    ([(CONNECTION, "close")], Html(page))
}

async fn frames() -> Response {
    SseBody::new(tokio_stream::iter(kinds())).into_response().into_response()
}

/// The same, each byte by itself.
async fn bytes() -> Response {
    let all: Vec<_> = kinds().iter().flat_map(|frame| frame.as_bytes().to_vec()).collect();
    let bytes = all.into_iter().map(|byte| Ok::<_, std::convert::Infallible>(vec![byte]));
    let body = Body::from_stream(tokio_stream::iter(bytes));
    ([(CONTENT_TYPE, "text/event-stream")], body).into_response()
}

/// A server that answers whatever it is asked with this, as it is, and ends the connection. It tells what it was asked.
pub(crate) async fn raw(answer: String) -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (asked, requests) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            // Browsers open connections that they may never use.
            let (answer, asked) = (answer.clone(), asked.clone());
            tokio::spawn(async move { answer_with(client, &answer, &asked).await });
        }
    });
    (url, requests)
}

async fn answer_with(mut client: TcpStream, answer: &str, asked: &mpsc::UnboundedSender<String>) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let Ok(byte) = client.read_u8().await else { return };
        request.push(byte);
    }
    let _ = asked.send(String::from_utf8(request).unwrap());
    client.write_all(answer.as_bytes()).await.unwrap();
}
