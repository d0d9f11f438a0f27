//! One diagnostic as rules.

use gateway_model::resource::{HttpLogging, LogDiagnostic, MaskedEntity, PipelineLogging};
use gateway_policy::exchange::correlation::Protocols;
use gateway_telemetry::Severity;
use gateway_telemetry::diagnostic::{
    BODY_BYTES_MAX, LoggerKind, Mask, MessageRules, OperationName, Rules, Side,
};
use gateway_telemetry::export::Sampling;

/// Told of a value that is not used: code and text.
type Warn<'w> = dyn FnMut(&'static str, String) + 'w;

pub fn compile(
    diagnostic: &LogDiagnostic,
    kind: LoggerKind,
    logger: &str,
    warn: &mut Warn<'_>,
) -> (Rules, Protocols) {
    let rules = Rules {
        kind,
        logger: logger.into(),
        sampling: Sampling {
            percentage: percentage(diagnostic, warn),
            all_errors: choose(
                "alwaysLog",
                diagnostic.always_log.as_deref(),
                &[("allErrors", true)],
                false,
                warn,
            ),
        },
        verbosity: choose(
            "verbosity",
            diagnostic.verbosity.as_deref(),
            &[("verbose", Severity::Verbose), ("information", Severity::Info), ("error", Severity::Error)],
            Severity::Info,
            warn,
        ),
        // Azure's resource logs have the address whether or not a diagnostic speaks of it.
        log_client_ip: diagnostic.log_client_ip.unwrap_or(kind != LoggerKind::ApplicationInsights),
        metrics: diagnostic.metrics.unwrap_or(false),
        operation_name: choose(
            "operationNameFormat",
            diagnostic.operation_name_format.as_deref(),
            &[("Name", OperationName::Name), ("Url", OperationName::Url)],
            OperationName::Name,
            warn,
        ),
        frontend: side("frontend", diagnostic.frontend.as_ref(), warn),
        backend: side("backend", diagnostic.backend.as_ref(), warn),
    };
    (rules, protocols(diagnostic, kind, warn))
}

/// Only Application Insights correlates. Without a word both sets of fields go out, as the original's do.
fn protocols(diagnostic: &LogDiagnostic, kind: LoggerKind, warn: &mut Warn<'_>) -> Protocols {
    let both = Protocols { w3c: true, legacy: true };
    let table = [
        ("None", Protocols::default()),
        ("Legacy", Protocols { w3c: false, legacy: true }),
        ("W3C", Protocols { w3c: true, legacy: false }),
    ];
    let written = diagnostic.http_correlation_protocol.as_deref();
    let chosen = choose("httpCorrelationProtocol", written, &table, both, warn);
    if kind == LoggerKind::ApplicationInsights { chosen } else { Protocols::default() }
}

fn percentage(diagnostic: &LogDiagnostic, warn: &mut Warn<'_>) -> f64 {
    let Some(sampling) = &diagnostic.sampling else { return 100.0 };
    if (0.0..=100.0).contains(&sampling.percentage) {
        return sampling.percentage;
    }
    let text = format!("sampling.percentage is {}, 0 to 100 is expected; all is sent", sampling.percentage);
    warn("diagnostic-value", text);
    100.0
}

/// The value of a name, in any case; the default where there is none, or one that is not known.
fn choose<T: Copy>(
    property: &str,
    written: Option<&str>,
    table: &[(&str, T)],
    default: T,
    warn: &mut Warn<'_>,
) -> T {
    let Some(written) = written else { return default };
    let found = table.iter().find(|(name, _)| name.eq_ignore_ascii_case(written));
    if found.is_none() {
        let names: Vec<&str> = table.iter().map(|(name, _)| *name).collect();
        warn("diagnostic-value", format!("{property} is '{written}', expected is {}", names.join(", ")));
    }
    found.map_or(default, |(_, value)| *value)
}

fn side(name: &str, logging: Option<&PipelineLogging>, warn: &mut Warn<'_>) -> Side {
    let Some(logging) = logging else { return Side::default() };
    Side {
        request: message(&format!("{name}.request"), logging.request.as_ref(), warn),
        response: message(&format!("{name}.response"), logging.response.as_ref(), warn),
    }
}

fn message(place: &str, logging: Option<&HttpLogging>, warn: &mut Warn<'_>) -> MessageRules {
    let Some(logging) = logging else { return MessageRules::default() };
    let bytes = logging.body.as_ref().map_or(0, |body| body.bytes as usize);
    if bytes > BODY_BYTES_MAX {
        let text = format!("{place}.body.bytes is {bytes}, {BODY_BYTES_MAX} is the most; that much is sent");
        warn("diagnostic-value", text);
    }
    let masking = logging.data_masking.as_ref();
    MessageRules {
        headers: logging.headers.iter().map(|name| name.trim().into()).collect(),
        body_bytes: bytes.min(BODY_BYTES_MAX),
        header_masks: masks(place, masking.map_or(&[], |masking| &masking.headers), warn),
        query_masks: masks(place, masking.map_or(&[], |masking| &masking.query_params), warn),
    }
}

/// A mode that is not known masks.
fn masks(place: &str, entities: &[MaskedEntity], warn: &mut Warn<'_>) -> Box<[Mask]> {
    let property = format!("{place}.dataMasking mode");
    let mask = |entity: &MaskedEntity| Mask {
        name: entity.value.as_str().into(),
        hides: choose(&property, Some(&entity.mode), &[("Mask", false), ("Hide", true)], false, warn),
    };
    entities.iter().map(mask).collect()
}
