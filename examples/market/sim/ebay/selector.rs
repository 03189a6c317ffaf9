//! What a Trading answer is cut down to by `OutputSelector` (4.1).

use super::xml::Node;

/// What stands in every answer, whatever is selected.
const ALWAYS: [&str; 6] = ["Timestamp", "Ack", "CorrelationID", "Errors", "Version", "Build"];

/// Keeps of an answer what is selected, and what leads there; all of it where nothing is.
pub(super) fn cut(answer: Node, request: &Node) -> Node {
    let wanted: Vec<Vec<&str>> = request
        .all("OutputSelector")
        .flat_map(|node| node.text.split(','))
        .map(|path| path.trim().split('.').collect())
        .collect();
    if wanted.is_empty() {
        return answer;
    }
    let children = answer.children.iter().filter_map(|child| {
        let always = ALWAYS.contains(&child.name.as_str());
        if always { Some(child.clone()) } else { kept(child, &mut Vec::new(), &wanted) }
    });
    Node { children: children.collect(), ..answer.clone() }
}

fn kept<'a>(node: &'a Node, above: &mut Vec<&'a str>, wanted: &[Vec<&str>]) -> Option<Node> {
    above.push(&node.name);
    // A selector may begin anywhere, as "Item.ItemID" does.
    let whole = wanted.iter().any(|path| above.ends_with(path));
    let children: Vec<_> = node.children.iter().filter_map(|child| kept(child, above, wanted)).collect();
    above.pop();
    match (whole, children.is_empty()) {
        (true, _) => Some(node.clone()),
        (false, true) => None,
        (false, false) => Some(Node { children, ..Node::new(&node.name) }),
    }
}
