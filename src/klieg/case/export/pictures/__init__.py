"""Pictures of a case as inline SVG: raster, network, copies, with/without, null panel.

Pictures travel alone, so each carries its title, its caveat and its stamp inside, and colours that
stand without the page's style sheet. No picture computes evidence; none loads anything.
"""
