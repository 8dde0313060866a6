//! A service that lists rows in memory under the layer, and what it answers.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::header::LINK;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use stonework_pagination::{
    AnyPage, Cursors, Key, Keys, NotExecuted, PageLayer, PageLayerBuilder, Rejection, keyset,
};
use tower::{Layer, ServiceExt, service_fn};

use crate::memory::{Newest, found, place, rows};

keyset! {
    struct Oldest {
        created_at: i64 => asc,
        id: i64 => asc unique,
    }
}

pub(crate) const SECRET: [u8; 32] = [7; 32];

pub(crate) fn cursors() -> Cursors {
    Cursors::signed(Keys::new(1, &SECRET)).build().unwrap()
}

#[derive(Clone)]
pub(crate) struct Account(pub(crate) &'static str);

pub(crate) fn plain() -> PageLayerBuilder {
    PageLayer::builder()
        .cursors(cursors())
        .bind(|head| head.extensions.get::<Account>().map(|account| Key::from(account.0)))
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    pub(crate) rejection: Option<Rejection>,
    pub(crate) not_executed: bool,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn ids(&self) -> Vec<i64> {
        let data = self.json()["data"].clone();
        data.as_array().unwrap().iter().map(|item| item["id"].as_i64().unwrap()).collect()
    }

    /// The target of a link of this relation.
    pub(crate) fn link(&self, relation: &str) -> Option<String> {
        let ending = format!(">; rel=\"{relation}\"");
        let found = self.header("link").split(", ").find_map(|link| link.strip_suffix(&*ending));
        found.map(|link| link.trim_start_matches('<').to_owned())
    }
}

/// A service that lists seven rows, and how often it ran.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) layer: PageLayer,
    pub(crate) runs: Arc<AtomicUsize>,
    pub(crate) rows: Vec<(i64, i64)>,
    pub(crate) account: &'static str,
    /// The list is sorted otherwise than it was.
    pub(crate) resorted: bool,
}

impl Site {
    pub(crate) fn new(builder: PageLayerBuilder) -> Self {
        let runs = Arc::default();
        Self {
            layer: builder.build().unwrap(),
            runs,
            rows: rows(7),
            account: "alice",
            resorted: false,
        }
    }

    pub(crate) fn runs(&self) -> usize {
        self.runs.load(Ordering::Relaxed)
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.send(Request::get(target).body(Full::default()).unwrap()).await
    }

    pub(crate) async fn send(&self, mut request: Request<Full<Bytes>>) -> Answer {
        request.extensions_mut().insert(Account(self.account));
        let (runs, rows, resorted) = (Arc::clone(&self.runs), self.rows.clone(), self.resorted);
        let service = service_fn(move |request: Request<Full<Bytes>>| {
            let (runs, rows) = (Arc::clone(&runs), rows.clone());
            async move {
                runs.fetch_add(1, Ordering::Relaxed);
                Ok::<_, Infallible>(list(&request, &rows, resorted).await)
            }
        });
        let response = self.layer.layer(service).oneshot(request).await.unwrap();
        let (mut parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
            rejection: parts.extensions.remove(),
            not_executed: parts.extensions.remove::<NotExecuted>().is_some(),
        }
    }
}

pub(crate) async fn list<B>(
    request: &Request<B>,
    rows: &[(i64, i64)],
    resorted: bool,
) -> Response<Full<Bytes>> {
    let Ok(any) = AnyPage::of(request.extensions()) else { return Response::default() };
    let oldest = request.uri().query().is_some_and(|query| query.contains("oldest"));
    let page = if oldest || resorted { any.sorted_by::<Oldest>().map(drop) } else { Ok(()) };
    let page = page.and_then(|()| match any.id() {
        Some(id) => {
            let row = rows.iter().find(|row| row.1.to_string() == id);
            any.at(row.map(place))
        }
        None => any.sorted_by::<Newest>(),
    });
    let page = match page {
        Ok(page) => page,
        Err(error) => return error.to_response().map(Full::new),
    };
    let paged = match page.finish(found(rows, &page), place).await {
        Ok(paged) => paged,
        Err(error) => return error.to_response().map(Full::new),
    };
    let paged = paged.map(|(_, id)| json!({ "id": id }));
    let mut response = paged.to_response().unwrap().map(Full::new);
    if request.uri().path() == "/linked" {
        response.headers_mut().insert(LINK, HeaderValue::from_static("</a.css>; rel=preload"));
    }
    response
}
