# weir: the parts of bench/run.
# SPDX-License-Identifier: MIT
