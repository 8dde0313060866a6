//! The program `grpc` as a process: called by tonic's client, by pages' requests, and too late.

mod support;

#[path = "../src/bin/grpc/generated/mod.rs"]
mod generated;

mod grpc {
    mod deadlines;
    mod keys;
    mod layers;
    mod server;
    mod streams;
    mod web;
}
