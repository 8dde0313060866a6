//! What clients are told of the service.

use axum::extract::RawQuery;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::response::{IntoResponse, Response};
use quick_xml::escape::escape;

use crate::refusal::Refusal;

const WSDL: &str = include_str!("payments.wsdl");

/// In the description, where the service is.
const ADDRESS: &str = "http://127.0.0.1:3000/v1/soap";

/// As it is for whoever asks: at the host that was asked.
pub(crate) async fn tell(RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    if !query.is_some_and(|query| query.eq_ignore_ascii_case("wsdl")) {
        return Refusal::WrongMethod.into_response();
    }
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let wsdl = match host {
        Some(host) => WSDL.replace(ADDRESS, &format!("http://{}/v1/soap", escape(host))),
        None => WSDL.to_owned(),
    };
    ([(CONTENT_TYPE, "application/wsdl+xml; charset=utf-8")], wsdl).into_response()
}
