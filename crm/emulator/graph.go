package emulator

import (
	"net/http"
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
	nodes := 0
	for _, g := range req.Graphs {
		nodes += len(g.CompositeRequest)
		if g.GraphID == "" {
			return nil, fail(http.StatusBadRequest, "INVALID_INPUT", "A graph has no graphId")
		}
		if err := checkSubrequests(g.CompositeRequest, maxGraphNodes); err != nil {
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
	out := []any{}
	for _, g := range req.Graphs {
		results, done := s.subrequests(c, g.CompositeRequest, true)
		out = append(out, map[string]any{"graphId": g.GraphID, "graphResponse": map[string]any{"compositeResponse": results}, "isSuccessful": done})
	}
	return ok(map[string]any{"graphs": out}), nil
}
