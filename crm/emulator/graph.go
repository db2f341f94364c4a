package emulator

import (
	"net/http"
	"strings"
)

// The documented limits of one graph request.
const (
	maxGraphNodes    = 500
	maxGraphs        = 75
	maxGraphDepth    = 15 // references of references
	maxGraphKinds    = 15 // different methods and objects
	maxGraphFailures = 14 // after so many failed graphs the others are not run
)

type graphRequest struct {
	Graphs []struct {
		GraphID          string       `json:"graphId"`
		CompositeRequest []subrequest `json:"compositeRequest"`
	} `json:"graphs"`
}

// graphs is POST /composite/graph: every graph is a transaction of its own.
func (s *Server) graphs(c *call) (*reply, error) {
	if err := c.need(http.MethodPost); err != nil {
		return nil, err
	}
	var req graphRequest
	if err := c.decode(&req); err != nil {
		return nil, err
	}
	nodes, ids := 0, make(map[string]bool)
	for _, g := range req.Graphs {
		nodes += len(g.CompositeRequest)
		if g.GraphID == "" || ids[g.GraphID] {
			return nil, fail(http.StatusBadRequest, "INVALID_INPUT", "Every graph needs a graphId of its own: '%s'", g.GraphID)
		}
		ids[g.GraphID] = true
		if err := checkSubrequests(g.CompositeRequest, maxGraphNodes); err != nil {
			return nil, err
		}
		if err := checkGraph(g.CompositeRequest); err != nil {
			return nil, err
		}
	}
	switch {
	case len(req.Graphs) == 0:
		return nil, fail(http.StatusBadRequest, "INVALID_INPUT", "No graphs specified")
	case len(req.Graphs) > maxGraphs:
		return nil, fail(http.StatusBadRequest, "LIMIT_EXCEEDED", "The number of graphs exceeds the limit of %d", maxGraphs)
	case nodes > maxGraphNodes:
		return nil, fail(http.StatusBadRequest, "LIMIT_EXCEEDED", "The number of nodes exceeds the limit of %d", maxGraphNodes)
	}
	out, failures := []any{}, 0
	for _, g := range req.Graphs {
		results, done := []any{}, false
		if failures < maxGraphFailures {
			if results, done = s.subrequests(c, g.CompositeRequest, true); !done {
				failures++
			}
		} else {
			for _, r := range g.CompositeRequest {
				results = append(results, haltedResult(r, "Processing was halted because too many graphs have failed."))
			}
		}
		out = append(out, map[string]any{"graphId": g.GraphID, "graphResponse": map[string]any{"compositeResponse": results}, "isSuccessful": done})
	}
	return ok(map[string]any{"graphs": out}), nil
}

// checkGraph refuses what no graph may hold: other resources than records, chains that are too long, too many kinds of nodes.
func checkGraph(reqs []subrequest) error {
	depth, kinds := make(map[string]int), make(map[string]bool)
	for _, r := range reqs {
		path, _, _ := strings.Cut(r.URL, "?")
		parts := strings.Split(strings.Trim(collapse(path), "/"), "/") // services data vXX.0 sobjects Type …
		if len(parts) < 5 || !strings.EqualFold(parts[3], "sobjects") {
			return fail(http.StatusBadRequest, "INVALID_INPUT", "Only sObject rows can be in a graph: %s", r.URL)
		}
		kinds[strings.ToUpper(r.Method)+" "+strings.ToLower(parts[4])] = true
		deepest := 0
		for _, m := range reference.FindAllStringSubmatch(r.URL+string(r.Body), -1) {
			name := m[1]
			if i := strings.IndexAny(name, ".["); i >= 0 {
				name = name[:i]
			}
			deepest = max(deepest, depth[name])
		}
		depth[r.ReferenceID] = deepest + 1
		if deepest+1 > maxGraphDepth {
			return fail(http.StatusBadRequest, "LIMIT_EXCEEDED", "The depth of a graph exceeds the limit of %d", maxGraphDepth)
		}
	}
	if len(kinds) > maxGraphKinds {
		return fail(http.StatusBadRequest, "LIMIT_EXCEEDED", "The number of different nodes exceeds the limit of %d", maxGraphKinds)
	}
	return nil
}
