//! A document, and whether it describes an answer.

use serde_json::{Map, Value, json};

use crate::support::{Reply, Request, Service};

/// What any response may have, and no document says (RFC 9110; those of CORS are between a server and a browser).
const GENERAL: [&str; 11] = [
    "cache-control",
    "connection",
    "content-length",
    "content-security-policy",
    "content-type",
    "date",
    "referrer-policy",
    "transfer-encoding",
    "vary",
    "x-accel-buffering",
    "x-content-type-options",
];

#[derive(Debug)]
pub(crate) struct Document(Value);

impl Document {
    pub(crate) fn new(document: Value) -> Self {
        Self(document)
    }

    pub(crate) async fn of(service: &Service) -> Self {
        let reply = service.ask(&Request::get("/openapi.json")).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        Self(reply.json)
    }

    /// Methods and paths.
    pub(crate) fn operations(&self) -> Vec<(String, String)> {
        let paths = self.0["paths"].as_object().expect("paths").iter();
        let of = |(path, item): (&String, &Value)| {
            let methods = item.as_object().expect("a path").keys();
            methods.map(|method| (method.to_uppercase(), path.clone())).collect::<Vec<_>>()
        };
        paths.flat_map(of).collect()
    }

    pub(crate) fn operation(&self, method: &str, path: &str) -> Option<&Value> {
        self.0["paths"].get(path)?.get(method.to_lowercase())
    }

    pub(crate) fn parameters(&self, method: &str, path: &str) -> Vec<String> {
        let operation = self.operation(method, path).expect("an operation");
        let parameters = operation["parameters"].as_array().expect("parameters").iter();
        let name = |parameter| self.resolved(parameter)["name"].as_str().map(str::to_owned);
        parameters.filter_map(name).collect()
    }

    pub(crate) fn references(&self) -> Vec<String> {
        let (mut found, mut rest) = (Vec::new(), vec![&self.0]);
        while let Some(value) = rest.pop() {
            match value {
                Value::Array(items) => rest.extend(items),
                Value::Object(members) => {
                    found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
                    rest.extend(members.values());
                }
                _ => {}
            }
        }
        found
    }

    pub(crate) fn leads_somewhere(&self, reference: &str) -> bool {
        reference.strip_prefix('#').is_some_and(|pointer| self.0.pointer(pointer).is_some())
    }

    fn resolved<'d>(&'d self, value: &'d Value) -> &'d Value {
        match value.get("$ref").and_then(Value::as_str) {
            Some(reference) => {
                let found = reference.strip_prefix('#').and_then(|pointer| self.0.pointer(pointer));
                found.unwrap_or_else(|| panic!("{reference} leads nowhere"))
            }
            None => value,
        }
    }

    /// Checks that this answer is one of those that are described: its status, its headers, its media type, its body.
    #[track_caller]
    pub(crate) fn assert_describes(&self, method: &str, path: &str, reply: &Reply) {
        let operation = self.operation(method, path);
        let operation = operation.unwrap_or_else(|| panic!("no {method} {path}"));
        let response = &operation["responses"][reply.status.to_string()];
        assert!(response.is_object(), "{method} {path} has no {}: {reply:?}", reply.status);
        let response = self.resolved(response);
        let headers = response.get("headers").and_then(Value::as_object);
        let is_described = |name: &str| headers.is_some_and(|known| known.contains_key(name));
        for (name, _) in reply.headers().filter(|(name, _)| !GENERAL.contains(name)) {
            assert!(is_described(name), "{method} {path} {} has no {name}", reply.status);
        }
        self.assert_describes_body(response, reply);
    }

    #[track_caller]
    fn assert_describes_body(&self, response: &Value, reply: &Reply) {
        let none = Map::new();
        let contents = response["content"].as_object().unwrap_or(&none);
        let Some(media_type) = reply.header("content-type") else {
            assert!(reply.body.is_empty() && contents.is_empty(), "{reply:?}");
            return;
        };
        let media_type = media_type.split(';').next().unwrap_or_default();
        let content = contents.get(media_type);
        let content = content.unwrap_or_else(|| panic!("no {media_type} in {response}: {reply:?}"));
        if media_type.ends_with("json") {
            let schema =
                json!({ "allOf": [content["schema"]], "components": self.0["components"] });
            let schema = jsonschema::validator_for(&schema).expect("it is a schema");
            if let Some(error) = schema.iter_errors(&reply.json).next() {
                panic!("{error}: {reply:?}");
            }
        }
    }
}
