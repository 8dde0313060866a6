//! A list method of gRPC, as AIP-158 has it, over a real connection.
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

#[path = "support/memory.rs"]
mod memory;

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use memory::{Newest, found, place, rows};
use stonework_pagination::{AnyPage, Binding, Cursors, Keys, Profile};
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::server::{NamedService, UnaryService};
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, Status};
use tonic_prost::ProstCodec;

#[derive(Clone, PartialEq, prost::Message)]
struct ListOrders {
    #[prost(string, tag = "1")]
    filter: String,
    #[prost(int32, tag = "2")]
    page_size: i32,
    #[prost(string, tag = "3")]
    page_token: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Orders {
    #[prost(int64, repeated, tag = "1")]
    ids: Vec<i64>,
    #[prost(string, tag = "2")]
    next_page_token: String,
}

/// What a generated server would be.
#[derive(Clone)]
struct Shop {
    cursors: Cursors,
}

impl NamedService for Shop {
    const NAME: &'static str = "shop.v1.Shop";
}

impl UnaryService<ListOrders> for Shop {
    type Response = Orders;
    type Future = Pin<Box<dyn Future<Output = Result<tonic::Response<Orders>, Status>> + Send>>;

    fn call(&mut self, request: tonic::Request<ListOrders>) -> Self::Future {
        let shop = self.clone();
        Box::pin(async move { shop.list(request.into_inner()).await.map(tonic::Response::new) })
    }
}

impl Shop {
    async fn list(&self, request: ListOrders) -> Result<Orders, Status> {
        let ListOrders { page_size, page_token, .. } = request.clone();
        let asked = ListOrders { page_size: 0, page_token: String::new(), ..request };
        let binding = Binding::new().message("shop.v1.Shop/ListOrders", &asked);
        let parameters = [("page_size", page_size.to_string()), ("page_token", page_token)];
        let profile = Profile::aip("ids").limits(3, 5);
        let page = AnyPage::from_parameters(&profile, &self.cursors, binding, parameters).await?;
        let page = page.sorted_by::<Newest>()?;
        let page = page.finish(found(&rows(7), &page), place).await?;
        let next_page_token = page.around().next.clone().unwrap_or_default();
        Ok(Orders { ids: page.items().iter().map(|row| row.1).collect(), next_page_token })
    }
}

impl tower::Service<Request<Body>> for Shop {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let shop = self.clone();
        Box::pin(async move {
            let codec = ProstCodec::<Orders, ListOrders>::default();
            Ok(tonic::server::Grpc::new(codec).unary(shop, request).await)
        })
    }
}

#[derive(Clone)]
struct Client(Grpc<Channel>);

impl Client {
    async fn connect() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let cursors = Cursors::signed(Keys::new(1, &[7; 32])).build().unwrap();
        let server = Server::builder().add_service(Shop { cursors });
        let incoming = TcpIncoming::from(listener);
        tokio::spawn(async move { server.serve_with_incoming(incoming).await.unwrap() });
        let endpoint = Endpoint::new(format!("http://{address}")).unwrap();
        Self(Grpc::new(endpoint.connect().await.unwrap()))
    }

    async fn list(&mut self, filter: &str, size: i32, token: &str) -> Result<Orders, Status> {
        let message =
            ListOrders { filter: filter.to_owned(), page_size: size, page_token: token.to_owned() };
        self.0.ready().await.unwrap();
        let path = PathAndQuery::from_static("/shop.v1.Shop/ListOrders");
        let codec = ProstCodec::<ListOrders, Orders>::default();
        Ok(self.0.unary(tonic::Request::new(message), path, codec).await?.into_inner())
    }
}

#[tokio::test]
async fn a_list_is_read_until_there_is_no_token() {
    let mut client = Client::connect().await;
    for size in [0, 1, 2, 3, 5, 6, 1_000] {
        let (mut all, mut token) = (Vec::new(), String::new());
        loop {
            let page = client.list("paid", size, &token).await.unwrap();
            assert!(page.ids.len() <= 5, "no more than there may be");
            all.extend(page.ids);
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(all, [7, 6, 5, 4, 3, 2, 1], "pages of {size}");
    }
}

#[tokio::test]
async fn a_token_is_for_what_was_asked_and_its_size_may_change() {
    let mut client = Client::connect().await;
    let first = client.list("paid", 2, "").await.unwrap();
    let token = first.next_page_token;
    assert_eq!(client.list("paid", 1, &token).await.unwrap().ids, [5]);
    let mut told = Vec::new();
    for (filter, token) in [("open", &*token), ("paid", "x"), ("", &token), ("paid", &token[1..])] {
        let status = client.list(filter, 2, token).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{filter} {token}");
        told.push(status.message().to_owned());
    }
    told.dedup();
    assert_eq!(told.len(), 1, "they are told the same: {told:?}");
    let negative = client.list("paid", -1, "").await.unwrap_err();
    assert_eq!(negative.code(), Code::InvalidArgument);
    assert!(negative.message().contains("page_size"), "{}", negative.message());
}
