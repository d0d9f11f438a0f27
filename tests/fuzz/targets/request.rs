//! Heads of HTTP/1.1 requests: what is accepted names a host, and carries no line break that would end a field.

#![no_main]

use gateway_policy::message::Scheme;
use gateway_proxy::wire::RequestContext;
use gateway_proxy::wire::head::parse_request;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|head: &[u8]| {
    let context = RequestContext { scheme: Scheme::Http, default_host: "localhost", default_port: 80 };
    if let Ok(request) = parse_request(head, &context) {
        for (_, value) in request.headers.iter() {
            assert!(!value.iter().any(|byte| b"\r\n\0".contains(byte)), "a field that ends early");
        }
    }
});
