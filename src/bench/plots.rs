//! The plots of a report, as SVG.

use plotters::prelude::*;

use super::report::{Report, Sample, words};

/// The size of a plot, in pixels at its natural scale.
const SIZE: (u32, u32) = (720, 300);

/// The colours of the lines, told apart also by those who see fewer colours (Okabe and Ito).
const COLOURS: [RGBColor; 4] =
    [RGBColor(0, 114, 178), RGBColor(213, 94, 0), RGBColor(0, 158, 115), RGBColor(204, 121, 167)];

/// One line of a plot.
struct Line {
    name: String,
    points: Vec<(f64, f64)>,
}

/// A plot: its title and its SVG.
pub(crate) struct Plot {
    pub(crate) title: &'static str,
    pub(crate) svg: String,
}

/// All plots that there is something to draw for.
pub(crate) fn plots(report: &Report) -> Vec<Plot> {
    let over_time = |name: &str, value: &dyn Fn(&Sample) -> Option<f64>| Line {
        name: name.into(),
        points: report
            .samples
            .iter()
            .filter_map(|sample| Some((sample.seconds, value(sample)?)))
            .collect(),
    };
    let drawn = [
        plot(
            "Latency over time, in ms",
            "seconds",
            vec![
                over_time("p50", &|sample| sample.p50_ms),
                over_time("p99", &|sample| sample.p99_ms),
            ],
        ),
        plot(
            "Latency by percentile, in ms",
            "nines: 1 is p90, 2 is p99, 3 is p99.9",
            curves(report),
        ),
        plot(
            "Deliveries a second",
            "seconds",
            vec![over_time("deliveries", &|sample| Some(sample.deliveries_per_second))],
        ),
        plot(
            "Clients",
            "seconds",
            vec![
                over_time("connected", &|sample| Some(sample.connected as f64)),
                over_time("logged in", &|sample| Some(sample.logged_in as f64)),
            ],
        ),
        plot(
            "Memory of the server, in MB",
            "seconds",
            vec![over_time("memory", &|sample| Some(sample.server_bytes? as f64 / 1e6))],
        ),
        plot(
            "Server, busy in %",
            "seconds",
            vec![over_time("busy", &|sample| Some(sample.server_load? * 100.0))],
        ),
    ];
    drawn.into_iter().flatten().collect()
}

/// The distributions, with as much room for the last percent as for the first ninety.
fn curves(report: &Report) -> Vec<Line> {
    let nines = |quantile: f64| -(1.0 - quantile).max(1e-5).log10();
    let line = |latency: &super::report::Latency| Line {
        name: words(latency.name),
        points: latency
            .curve
            .iter()
            .filter(|(quantile, _)| *quantile < 1.0)
            .map(|&(quantile, ms)| (nines(quantile), ms))
            .collect(),
    };
    report.latencies.iter().map(line).collect()
}

fn plot(title: &'static str, abscissa: &str, lines: Vec<Line>) -> Option<Plot> {
    let lines: Vec<Line> = lines.into_iter().filter(|line| line.points.len() > 1).collect();
    if lines.is_empty() {
        return None;
    }
    let mut svg = String::new();
    // Drawing into a string does not fail.
    draw(&mut svg, abscissa, &lines).ok()?;
    Some(Plot { title, svg })
}

fn draw(
    svg: &mut String,
    abscissa: &str,
    lines: &[Line],
) -> Result<(), Box<dyn std::error::Error>> {
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    // There is room above the lines for their names.
    let (width, height) = (most(lines, |point| point.0), 1.2 * most(lines, |point| point.1));
    let mut chart = ChartBuilder::on(&area)
        .margin(10)
        .x_label_area_size(40)
        .y_label_area_size(70)
        .build_cartesian_2d(0.0..width, 0.0..height)?;
    chart
        .configure_mesh()
        .x_desc(abscissa)
        .light_line_style(WHITE)
        .bold_line_style(RGBColor(225, 225, 225))
        .axis_style(RGBColor(130, 130, 130))
        .y_label_formatter(&|value| short(*value))
        .label_style(("sans-serif", 13))
        .draw()?;
    for (line, colour) in lines.iter().zip(COLOURS.iter().cycle()) {
        let style = colour.stroke_width(2);
        chart
            .draw_series(LineSeries::new(line.points.iter().copied(), style))?
            .label(line.name.as_str())
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], style));
    }
    if lines.len() > 1 {
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE.mix(0.8))
            .label_font(("sans-serif", 13))
            .draw()?;
    }
    area.present()?;
    Ok(())
}

fn most(lines: &[Line], value: impl Fn(&(f64, f64)) -> f64) -> f64 {
    lines.iter().flat_map(|line| &line.points).map(value).fold(1e-3, f64::max)
}

fn short(value: f64) -> String {
    match value {
        value if value >= 1e6 => format!("{:.1} M", value / 1e6),
        value if value >= 1e4 => format!("{:.0} k", value / 1e3),
        value if value >= 10.0 || value.fract() == 0.0 => format!("{value:.0}"),
        value => format!("{value:.2}"),
    }
}
