// Package control is the private way in to a running desk: a socket in the profile's state folder that only its owner reaches.
//
// Another process of the same user asks for one thing in one line of JSON and gets one line back. What a desk does when it is asked
// is given by whoever listens. The package never calls anybody, keeps nothing of what it was asked, and logs no number. It also
// reads numbers as other programs hand them over (Target), because a link may come from any web page.
package control
