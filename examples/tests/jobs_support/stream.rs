//! An event stream, as a browser reads it.

use reqwest::{RequestBuilder, Response};
use serde_json::Value;
use stonework_sse::Decoder;

use super::{Service, in_time, until};

pub(crate) struct Stream {
    answer: Response,
    decoder: Decoder,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Told {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) job: Value,
}

impl Told {
    pub(crate) fn is_final(&self) -> bool {
        !["queued", "running"].contains(&&*self.name)
    }
}

/// The answer to who reads along: from after this event on, or from the beginning.
pub(crate) async fn listen(
    service: &Service,
    account: &str,
    path: &str,
    after: Option<&str>,
) -> Response {
    let request: RequestBuilder = service.get(account, &format!("{path}/events"));
    let request = request.header("accept", "text/event-stream");
    let request =
        after.into_iter().fold(request, |request, id| request.header("last-event-id", id));
    in_time("a stream begins", request.send()).await.expect("an answer")
}

impl Stream {
    pub(crate) async fn open(
        service: &Service,
        account: &str,
        path: &str,
        after: Option<&str>,
    ) -> Self {
        let mut answer = listen(service, account, path, after).await;
        until("the store is in time", async || {
            if answer.status() == 503 {
                answer = listen(service, account, path, after).await;
            }
            answer.status() != 503
        })
        .await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        Self { answer, decoder: Decoder::new() }
    }

    /// The next event; nothing when the stream has ended, in whatever way.
    pub(crate) async fn next(&mut self) -> Option<Told> {
        in_time("an event", async {
            loop {
                if let Some(message) = self.decoder.message().expect("an event") {
                    let job = serde_json::from_str(message.data).expect("JSON");
                    let (id, name) = (message.last_event_id, message.event_type);
                    return Some(Told { id: id.to_owned(), name: name.to_owned(), job });
                }
                let chunk = self.answer.chunk().await.ok()??;
                self.decoder.feed(&chunk);
            }
        })
        .await
    }

    /// All that come until it ends.
    pub(crate) async fn rest(mut self) -> Vec<Told> {
        let mut all = Vec::new();
        while let Some(told) = self.next().await {
            all.push(told);
        }
        all
    }
}
