"""Messages of xenferry.common.v1 to model values and back: what api and clients both speak."""
