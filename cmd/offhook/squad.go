package main

import "context"

// squad is the simulated team behind demo --team.
type squad struct{ show screen }

func startSquad(context.Context) (*squad, error) { return &squad{}, nil }
func (s *squad) close()                          {}
func (s *squad) settings() string                { return "" }
