// Package watch notices what a telephone cannot see from its sockets: that the machine slept or the process was
// stopped, and that the machine's addresses or its way to the network changed. It tells both as Events, soon and once
// each. It never touches a socket of the telephone, and decides nothing: what to do about it is the listener's business.
package watch
