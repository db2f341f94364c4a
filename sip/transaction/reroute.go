package transaction

// Rerouted makes the flow ask the system anew which of our addresses leads to whom, as after a change of the network.
func (f *Flow) Rerouted() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.paths = nil
}
