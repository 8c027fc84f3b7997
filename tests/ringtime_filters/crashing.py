"""Does what an agent does until its filter crashes: crashing.py FILTER FUNCTION [WHEN]."""

import ctypes
import faulthandler
import os
import sys

import ringtime_filters

# faulthandler watches too, from before the wrapper does or from after, or another wrapper does
path, function, *when = sys.argv[1:]
os.environ["SCRIPTED_CRASH"] = function
if when == ["before"]:
    faulthandler.enable()
wrapper = ctypes.CDLL(str(ringtime_filters.wrap(path)))
if when == ["among others"]:
    ringtime_filters.wrap(path, deadline_s=1)  # a wrapper of its own, which watches too
if when == ["after"]:
    faulthandler.enable()
wrapper.audio_filter_create.restype = ctypes.c_void_p
assert wrapper.audio_filter_on_load(b'{"token": "a-secret-token"}') == 0
session = ctypes.c_void_p(wrapper.audio_filter_create(48000, b"", b"{}"))
samples = (ctypes.c_int16 * 480)()
wrapper.audio_filter_process_int16(session, ctypes.c_size_t(480), samples, samples)
if function == "elsewhere":
    ctypes.string_at(0)
