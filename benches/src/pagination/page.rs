use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use axum::body::Body;
use http::header::{CONTENT_TYPE, LINK};
use http::{HeaderValue, Request, Response, StatusCode, Uri};
use serde::Serialize;
use stonework_pagination::{AnyPage, Cursors, Page, PageError, PageLayer};
use tower_layer::Layer;
use tower_service::Service;

use super::ours::{Newest, keys};
use super::peers::ApiBones;
use super::tokens::{Place, Tokens};
use crate::layered::{BATCH, Layered, Server, Traffic};
use crate::suite::{FLOOR, OURS, Scenario, Subject};
use crate::work::Bench;

/// Items of a page; one more is found.
const LIMIT: usize = 20;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    First,
    Further,
    Forged,
}

pub(super) const CASES: [Case; 3] = [Case::First, Case::Further, Case::Forged];

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::First => "page of 20, the first",
            Self::Further => "page of 20, by a cursor",
            Self::Forged => "cursor forged",
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    Floor,
    Stonework,
    ByHand,
}

pub(super) fn scenario(case: Case) -> Scenario {
    let floor = match case {
        Case::First | Case::Further => "the items as JSON, without pages",
        Case::Forged => "a bare refusal",
    };
    let subjects = [
        (Name::Floor, FLOOR, floor),
        (Name::Stonework, OURS, "**stonework-pagination**, signed"),
        (Name::ByHand, "by-hand", "by hand: axum's `Query`, api-bones, `format!`"),
    ];
    let subject = |(name, word, title)| Subject::new(word, title, move || bench(name, case));
    Scenario::new(case.to_string(), BATCH, subjects.into_iter().map(subject).collect())
}

fn bench(name: Name, case: Case) -> Bench {
    let mut layered = Layered::new(Calls { name, case, uri: uri(name, case) });
    let refused = case == Case::Forged;
    for head in layered.heads(2) {
        let status = if refused { StatusCode::BAD_REQUEST } else { StatusCode::OK };
        assert_eq!(head.status, status, "{name:?}, {case}");
        let links = name != Name::Floor && !refused;
        assert_eq!(head.headers.contains_key(LINK), links, "{name:?}, {case}");
    }
    Bench::new(layered)
}

struct Calls {
    name: Name,
    case: Case,
    uri: Uri,
}

impl Traffic for Calls {
    fn server(&self) -> Server {
        match self.name {
            Name::Floor if self.case == Case::Forged => {
                Server::new(List(|_: &Request<Body>| refused()))
            }
            Name::Floor => Server::new(List(|_: &Request<Body>| written(&items(), None))),
            Name::Stonework => Server::new(layer().layer(List(ours))),
            Name::ByHand => Server::new(List(by_hand)),
        }
    }

    fn requests(&mut self, count: usize) -> Vec<Request<Body>> {
        let request = || {
            let mut request = Request::new(Body::empty());
            *request.uri_mut() = self.uri.clone();
            request
        };
        (0..count).map(|_| request()).collect()
    }
}

/// The second page, as the subject leads to it.
fn uri(name: Name, case: Case) -> Uri {
    const FIRST: &str = "/transfers?limit=20";
    if case == Case::First || name == Name::Floor {
        return Uri::from_static(FIRST);
    }
    let mut first = Layered::new(Calls { name, case: Case::First, uri: Uri::from_static(FIRST) });
    let head = first.heads(1).remove(0);
    let link = head.headers.get(LINK).and_then(|link| link.to_str().ok());
    let target = link.and_then(|link| link.strip_prefix('<')?.split_once('>'));
    let mut target = target.expect("there is a next page").0.to_owned();
    if case == Case::Forged {
        target.replace_range(target.len() - 8.., "AAAAAAAA");
    }
    target.parse().expect("a link is a URI")
}

pub(crate) fn layer() -> PageLayer {
    let cursors = Cursors::signed(keys()).build().expect("the secret is long enough");
    PageLayer::builder().cursors(cursors).build().expect("it is all that is needed")
}

/// A service of a function, which does not wait.
#[derive(Clone)]
struct List<F>(F);

impl<F> Service<Request<Body>> for List<F>
where
    F: Fn(&Request<Body>) -> Response<Body>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        ready(Ok((self.0)(&request)))
    }
}

fn items() -> Vec<Place> {
    (0..=LIMIT).map(Place::numbered).collect()
}

/// With what the layer wants to be done, if it is there.
pub(crate) fn listed(request: &Request<Body>) -> Response<Body> {
    match AnyPage::of(request.extensions()) {
        Ok(_) => ours(request),
        Err(_) => written(&items(), None),
    }
}

fn ours(request: &Request<Body>) -> Response<Body> {
    let page: Result<Page<Newest>, PageError> =
        AnyPage::of(request.extensions()).and_then(|page| page.sorted_by());
    let page = page.expect("the cursor is one of this order");
    let place = |place: &Place| Newest { at: place.at, id: place.id };
    let paged = futures_util::FutureExt::now_or_never(page.finish(items(), place));
    let paged = paged.expect("no store is asked").expect("the values fit");
    paged.to_response().expect("the items can be written").map(Body::from)
}

#[derive(serde::Deserialize)]
struct Asked {
    limit: Option<usize>,
    cursor: Option<String>,
}

/// What is written in an afternoon: a token that is bound to nothing, and a link.
fn by_hand(request: &Request<Body>) -> Response<Body> {
    let query = axum::extract::Query::<Asked>::try_from_uri(request.uri());
    let Ok(axum::extract::Query(asked)) = query else { return refused() };
    let limit = asked.limit.unwrap_or(LIMIT);
    if asked.cursor.is_some_and(|cursor| ApiBones.decode(&cursor).is_none()) {
        return refused();
    }
    let mut items = items();
    let has_more = items.len() > limit;
    items.truncate(limit);
    let last = items.last().filter(|_| has_more);
    let link = last.map(|last| {
        let (path, cursor) = (request.uri().path(), ApiBones.encode(last));
        format!("<{path}?limit={limit}&cursor={cursor}>; rel=\"next\"")
    });
    written(&items, link.and_then(|link| HeaderValue::try_from(link).ok()))
}

fn refused() -> Response<Body> {
    let mut response = Response::new(Body::from("invalid cursor"));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response
}

#[derive(Serialize)]
struct Written<'a> {
    data: &'a [Place],
    has_more: bool,
}

fn written(items: &[Place], link: Option<HeaderValue>) -> Response<Body> {
    let data = &items[..LIMIT.min(items.len())];
    let body = serde_json::to_vec(&Written { data, has_more: true }).unwrap_or_default();
    let mut response = Response::new(Body::from(body));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response.headers_mut().extend(link.map(|link| (LINK, link)));
    response
}
