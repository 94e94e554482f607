"""Watching from home: a read-only web page of a station, in a process of its own.

A client of the station like the window, but one that can only read: it holds a `StationReader`,
which knows no command, and answers nothing but GET and HEAD.
"""
