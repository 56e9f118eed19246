//! A report as one HTML page that needs nothing else.

use super::plots;
use super::report::{Report, words};

const STYLE: &str = "
:root { color-scheme: light dark; --line: #8884; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; line-height: 1.2; } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .2rem .5rem; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
.wrong { color: #c00; } .scroll { overflow-x: auto; }
code { overflow-wrap: anywhere; }
svg { width: 100%; height: auto; border-radius: 6px; }
";

/// The page.
pub(crate) fn page(report: &Report) -> String {
    let title = format!("headcount bench {}, {}", report.scenario, report.crowd());
    let verdict_class = if report.is_correct { "right" } else { "wrong" };
    let verdict = escape(&report.verdict());
    let told = report.mistakes_told.iter().chain(&report.warnings);
    let told: String = told.map(|line| format!("<li>{}</li>", escape(line))).collect();
    let plots: String = plots::plots(report)
        .iter()
        .map(|plot| format!("<h2>{}</h2>\n{}\n", plot.title, plot.svg))
        .collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n<h1>{title}</h1>\n<p class=\"{verdict_class}\">{verdict}</p>\n\
         <ul>{told}</ul>\n{}{}{plots}{}</html>\n",
        figures(report),
        latencies(report),
        origin(report),
    )
}

fn figures(report: &Report) -> String {
    let row =
        |figure: &super::report::Figure| format!("<tr><td>{}<td>{figure}\n", words(figure.name));
    let rows: String = report.figures.iter().map(row).collect();
    format!("<h2>Figures</h2>\n<table>\n{rows}</table>\n")
}

fn latencies(report: &Report) -> String {
    if report.latencies.is_empty() {
        return String::new();
    }
    let row = |latency: &super::report::Latency| {
        format!(
            "<tr><td>{}<td>{:.2}<td>{:.2}<td>{:.2}<td>{:.2}<td>{:.2}<td>{}\n",
            words(latency.name),
            latency.p50,
            latency.p90,
            latency.p99,
            latency.p999,
            latency.max,
            latency.count
        )
    };
    let rows: String = report.latencies.iter().map(row).collect();
    format!(
        "<h2>Latency, in ms</h2>\n<div class=\"scroll\"><table>\n\
         <tr><th>from when it was due<th>p50<th>p90<th>p99<th>p99.9<th>max<th>of\n\
         {rows}</table></div>\n"
    )
}

/// Where and how the figures were made.
fn origin(report: &Report) -> String {
    let machine = &report.machine;
    let memory = machine
        .memory_bytes
        .map_or("unknown".into(), |bytes| format!("{:.1} GB", bytes as f64 / 1e9));
    let cpus = match (machine.server_cpu, machine.clients_cpu) {
        (Some(server), Some(clients)) => {
            format!("{}: the server on {server}, the clients on {clients}", machine.cpus)
        }
        _ => format!("{}, shared", machine.cpus),
    };
    let rows: String = [
        ("command", format!("<code>{}</code>", escape(&report.command))),
        ("server", format!("<code>{}</code>", escape(&report.server))),
        ("version", format!("headcount {}", report.version)),
        ("date", escape(&report.date)),
        ("processor", escape(&machine.processor)),
        ("CPUs", cpus),
        ("memory", memory),
        ("system", escape(&machine.system)),
    ]
    .iter()
    .map(|(name, value)| format!("<tr><td>{name}<td>{value}\n"))
    .collect();
    format!("<h2>Made by</h2>\n<table>\n{rows}</table>\n")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
