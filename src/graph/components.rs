//! Strongly connected components, and one readable loop through each.

use std::collections::VecDeque;

/// Strongly connected components in reverse topological order: what a component points at comes before it.
///
/// `edges[n]` are the vertices that `n` points at. Every vertex is in exactly one component, the members of a
/// component are sorted. Tarjan's algorithm with its own stack.
pub fn components(edges: &[Vec<usize>]) -> Vec<Vec<usize>> {
    const UNSEEN: usize = usize::MAX;
    let mut index = vec![UNSEEN; edges.len()];
    let mut low = vec![0; edges.len()];
    let mut on_stack = vec![false; edges.len()];
    let mut stack = Vec::new();
    let mut found = Vec::new();
    let mut next = 0;
    let mut path: Vec<(usize, usize)> = Vec::new(); // vertex, and how many of its edges were followed
    for root in 0..edges.len() {
        if index[root] != UNSEEN {
            continue;
        }
        path.push((root, 0));
        while let Some((vertex, followed)) = path.pop() {
            if followed == 0 {
                index[vertex] = next;
                low[vertex] = next;
                next += 1;
                stack.push(vertex);
                on_stack[vertex] = true;
            }
            if let Some(&target) = edges[vertex].get(followed) {
                path.push((vertex, followed + 1));
                if index[target] == UNSEEN {
                    path.push((target, 0));
                } else if on_stack[target] {
                    low[vertex] = low[vertex].min(index[target]);
                }
                continue;
            }
            if let Some(&(caller, _)) = path.last() {
                low[caller] = low[caller].min(low[vertex]);
            }
            if low[vertex] == index[vertex] {
                let mut members = Vec::new();
                while let Some(member) = stack.pop() {
                    on_stack[member] = false;
                    members.push(member);
                    if member == vertex {
                        break;
                    }
                }
                members.sort_unstable();
                found.push(members);
            }
        }
    }
    found
}

/// The shortest loop from `start` back to itself that stays within `members`; empty when there is none.
///
/// The loop names each vertex once, `start` first, in the direction of the edges; of two loops of one length the
/// one whose vertices are smaller.
pub fn shortest_loop(edges: &[Vec<usize>], members: &[usize], start: usize) -> Vec<usize> {
    let inside = |vertex: &usize| members.binary_search(vertex).is_ok();
    let mut came_from = vec![None; edges.len()];
    let mut queue = VecDeque::from([start]);
    while let Some(vertex) = queue.pop_front() {
        let mut targets: Vec<usize> = edges[vertex].iter().copied().filter(inside).collect();
        targets.sort_unstable();
        for target in targets {
            if target == start {
                let mut path = vec![vertex];
                let mut at = vertex;
                while let Some(before) = came_from[at] {
                    path.push(before);
                    at = before;
                }
                path.reverse();
                return path;
            }
            if came_from[target].is_none() {
                came_from[target] = Some(vertex);
                queue.push_back(target);
            }
        }
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_graph() -> impl Strategy<Value = Vec<Vec<usize>>> {
        (1usize..14).prop_flat_map(|size| prop::collection::vec(prop::collection::vec(0..size, 0..4), size))
    }

    /// Slow and obvious: who reaches whom by at least one edge.
    fn reach(edges: &[Vec<usize>]) -> Vec<Vec<bool>> {
        let size = edges.len();
        let mut reach = vec![vec![false; size]; size];
        for (from, targets) in edges.iter().enumerate() {
            for &to in targets {
                reach[from][to] = true;
            }
        }
        for via in 0..size {
            for from in 0..size {
                for to in 0..size {
                    reach[from][to] |= reach[from][via] && reach[via][to];
                }
            }
        }
        reach
    }

    proptest! {
        #[test]
        fn two_are_in_one_component_when_each_reaches_the_other(edges in any_graph()) {
            let reach = reach(&edges);
            let found = components(&edges);
            let mut component = vec![usize::MAX; edges.len()];
            for (number, members) in found.iter().enumerate() {
                for &member in members {
                    prop_assert_eq!(component[member], usize::MAX, "in two components");
                    component[member] = number;
                }
            }
            for a in 0..edges.len() {
                for b in 0..edges.len() {
                    let together = a == b || (reach[a][b] && reach[b][a]);
                    prop_assert_eq!(component[a] == component[b], together);
                    if reach[a][b] {
                        prop_assert!(component[b] <= component[a], "targets come first");
                    }
                }
            }
        }

        #[test]
        fn a_loop_is_one_and_there_is_one_whenever_the_start_reaches_itself(edges in any_graph()) {
            let reach = reach(&edges);
            for members in components(&edges) {
                let start = members[0];
                let path = shortest_loop(&edges, &members, start);
                prop_assert_eq!(!path.is_empty(), reach[start][start]);
                for (at, vertex) in path.iter().enumerate() {
                    let next = path[(at + 1) % path.len()];
                    prop_assert!(edges[*vertex].contains(&next));
                }
                prop_assert!(path.is_empty() || path[0] == start);
            }
        }
    }

    #[test]
    fn a_chain_of_a_hundred_thousand_needs_no_deep_stack() {
        let size = 100_000;
        let edges: Vec<Vec<usize>> =
            (0..size).map(|n| if n + 1 < size { vec![n + 1] } else { vec![] }).collect();
        assert_eq!(components(&edges).len(), size);
    }
}
