//! The failed steps of a run, repeated at its end: what failed, the line that asked for it, and what it last printed.

use ci_engine::progress::Outcome;

use super::model::{Group, Model, Step, TAIL};
use crate::terminal::{Paint, Style};

/// One section per failed step; empty when none failed.
pub(crate) fn report(model: &Model, paint: Paint) -> String {
    let mut out = String::new();
    for group in &model.groups {
        for step in &group.steps {
            if let Some(Outcome::Failed(how)) = step.outcome() {
                section(group, step, how, paint, &mut out);
            }
        }
    }
    // What follows is the error the run ended with.
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

fn section(group: &Group, step: &Step, how: &str, paint: Paint, out: &mut String) {
    let title = format!("{}  {}", group.name, step.name);
    out.push_str(&format!(
        "\n{} {}: {how}\n",
        paint.paint(Style::Bad, "failed:"),
        paint.paint(Style::Bold, &title)
    ));
    if let Some(source) = &step.source {
        out.push_str(&format!("  --> {}:{}\n", source.file, source.line));
        if !source.text.trim().is_empty() {
            out.push_str(&format!(
                "  {:>3} | {}\n",
                source.line,
                source.text.trim_end()
            ));
        }
    }
    if step.tail.is_empty() {
        return;
    }
    let which = if step.dropped == 0 {
        "what it printed:".to_owned()
    } else {
        format!("the last {TAIL} lines it printed:")
    };
    out.push_str(&format!("  {}\n", paint.paint(Style::Dim, &which)));
    for line in &step.tail {
        // A CI system trims a line before it looks for commands in it: the bar keeps output from being one (W1).
        out.push_str(format!("  | {line}").trim_end());
        out.push('\n');
    }
}

#[cfg(test)]
mod tests;
