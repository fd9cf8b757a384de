//! rtnetlink: links, addresses, routes in batched messages.
