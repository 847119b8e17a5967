package call

import (
	"cmp"
	"slices"
	"strings"

	"passerelle/directory"
)

// trunksTo are the trunks by which a site calls a number, the best first: of its own trunks those whose prefixes match, the
// longest prefix first and a trunk without prefixes last. A site without any uses what other sites share. The number is
// empty for a short number, which no prefix matches and which means something in its own country only.
func trunksTo(dir *directory.Directory, site *directory.Site, n directory.Number) []*directory.Trunk {
	if own := matching(site.Trunks, n); len(own) > 0 {
		return own
	}
	return matching(sharedWith(dir, site, n == ""), n)
}

// sharedWith are the trunks that other sites, perhaps of the same country only, share.
func sharedWith(dir *directory.Directory, site *directory.Site, sameCountry bool) []*directory.Trunk {
	var shared []*directory.Trunk
	for _, other := range dir.Sites() {
		if other == site || sameCountry && other.Country != site.Country {
			continue
		}
		for _, t := range other.Trunks {
			if t.Shared {
				shared = append(shared, t)
			}
		}
	}
	return shared
}

// matching sorts out the trunks that take a number.
func matching(trunks []*directory.Trunk, n directory.Number) []*directory.Trunk {
	type ranked struct {
		trunk  *directory.Trunk
		length int
	}
	var fit []ranked
	for _, t := range trunks {
		if length, ok := prefixOf(t, n); ok {
			fit = append(fit, ranked{t, length})
		}
	}
	slices.SortStableFunc(fit, func(a, b ranked) int { return cmp.Compare(b.length, a.length) })
	var sorted []*directory.Trunk
	for _, f := range fit {
		sorted = append(sorted, f.trunk)
	}
	return sorted
}

// prefixOf gives the length of the longest of the trunk's prefixes that the number begins with.
func prefixOf(t *directory.Trunk, n directory.Number) (length int, ok bool) {
	for _, p := range t.Prefixes {
		if n != "" && strings.HasPrefix(string(n), p) {
			length, ok = max(length, len(p)), true
		}
	}
	return length, ok || len(t.Prefixes) == 0
}

// trunksForHelp are the trunks of a site for emergency calls: those meant for them first, those without prefixes next, since
// a trunk with prefixes may lead anywhere, then in the same order what sites of the same country share.
func trunksForHelp(dir *directory.Directory, site *directory.Site) []*directory.Trunk {
	rank := func(t *directory.Trunk) int {
		switch {
		case t.Emergency:
			return 0
		case len(t.Prefixes) == 0:
			return 1
		}
		return 2
	}
	byRank := func(a, b *directory.Trunk) int { return cmp.Compare(rank(a), rank(b)) }
	own := slices.SortedStableFunc(slices.Values(site.Trunks), byRank)
	return append(own, slices.SortedStableFunc(slices.Values(sharedWith(dir, site, true)), byRank)...)
}
