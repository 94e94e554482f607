"""The style sheet: what Fusion does not show clearly enough by itself."""

from collections.abc import Mapping

from gui.theme.palettes import Palette, Tone


def style_sheet(palette: Palette, size_pt: int, line_px: int, marks: Mapping[str, str]) -> str:
    """Style sheet of the application; `line_px` is the height of a line of text, `marks` are the
    paths of `gui.theme.marks`."""
    return _words_and_frames(palette, size_pt) + _indicators(palette, line_px, marks)


def _words_and_frames(palette: Palette, size_pt: int) -> str:
    p, tones = palette, palette.tones
    return f"""
QWidget {{ font-size: {size_pt}pt; }}
QMainWindow::separator {{ background: {p.window}; width: 5px; height: 5px; }}
QMainWindow::separator:hover {{ background: {p.accent}; }}
QDockWidget {{ color: {p.text}; font-weight: bold; }}
QDockWidget::title {{ background: {p.raised}; padding: 4px 6px; }}
QToolTip {{ color: {p.text}; background: {p.raised}; border: 1px solid {p.border}; }}
QMenuBar::item:selected, QMenu::item:selected {{ background: {p.accent}; color: {p.on_accent}; }}
QMenu::item:disabled {{ color: {p.muted}; }}
QToolButton, QPushButton {{
    background: {p.raised}; color: {p.text}; border: 1px solid {p.border};
    border-radius: 3px; padding: 3px 8px;
}}
QToolButton:hover, QPushButton:hover {{ border-color: {p.accent}; }}
QToolButton:focus, QPushButton:focus, QLineEdit:focus, QComboBox:focus, QSpinBox:focus,
QDoubleSpinBox:focus, QPlainTextEdit:focus, QTableView:focus {{ border: 2px solid {p.accent}; }}
QToolButton:disabled, QPushButton:disabled {{ color: {p.muted}; background: {p.window}; }}
/* A checked button of dark Fusion looks unchecked. */
QToolButton:checked, QPushButton:checked {{
    background: {p.accent}; color: {p.on_accent}; border: 2px solid {p.text}; font-weight: bold;
}}
/* A layer of a plot that cannot be drawn does not look lit. */
QToolButton[layer="true"]:checked:disabled {{
    background: {p.window}; color: {p.muted}; border: 1px solid {p.border}; font-weight: normal;
}}
QLineEdit, QComboBox, QSpinBox, QDoubleSpinBox, QPlainTextEdit {{
    background: {p.surface}; color: {p.text}; border: 1px solid {p.border}; border-radius: 3px;
    padding: 2px 4px; selection-background-color: {p.accent}; selection-color: {p.on_accent};
}}
QLineEdit[edited="true"] {{
    border: 2px solid {p.accent}; font-style: italic; background: {p.raised};
}}
QLineEdit[stale="true"] {{ color: {p.muted}; font-style: italic; }}
QLineEdit[wrong="true"] {{ border: 2px solid {tones[Tone.DANGER]}; color: {tones[Tone.DANGER]}; }}
QLabel[role="muted"] {{ color: {p.muted}; }}
QLabel[role="wrong"] {{ color: {tones[Tone.DANGER]}; }}
QLabel[role="title"] {{ font-weight: bold; }}
QLabel[role="big"] {{ font-size: {2 * size_pt}pt; font-weight: bold; }}
QLabel[role="huge"] {{ font-size: {4 * size_pt}pt; font-weight: bold; }}
QLabel[stale="true"] {{ color: {p.muted}; font-style: italic; }}
QTabWidget::pane {{ background: {p.window}; border: 1px solid {p.border}; }}
QTabBar::tab {{
    background: {p.window}; color: {p.muted}; padding: 4px 7px; border: 1px solid {p.border};
}}
QTabBar::tab:selected {{ background: {p.surface}; color: {p.text}; font-weight: bold; }}
QHeaderView::section {{
    background: {p.raised}; color: {p.text}; border: 0; border-right: 1px solid {p.border};
    padding: 3px 6px;
}}
QTableView {{ background: {p.surface}; alternate-background-color: {p.raised}; }}
QProgressBar {{
    background: {p.window}; color: {p.text}; border: 1px solid {p.border}; border-radius: 3px;
    text-align: center;
}}
QProgressBar::chunk {{ background: {p.border}; }}
QProgressBar:disabled {{ color: {p.muted}; }}
QProgressBar::chunk:disabled {{ background: {p.raised}; }}
#rig\\.stop {{
    background: {tones[Tone.DANGER]}; color: {p.on_danger}; font-weight: bold;
    font-size: {round(1.5 * size_pt)}pt; padding: 6px 22px; border: 2px solid {p.text};
}}
#rig\\.stop:disabled {{ background: {p.raised}; color: {p.muted}; border-color: {p.border}; }}
"""


def _indicators(palette: Palette, line_px: int, marks: Mapping[str, str]) -> str:
    """Boxes to tick and the arrows of fields, as large as the text beside them."""
    p = palette
    box, arrow = round(0.8 * line_px), round(0.6 * line_px)
    return f"""
QCheckBox::indicator, QAbstractItemView::indicator {{
    width: {box}px; height: {box}px; background: {p.surface};
    border: 1px solid {p.muted}; border-radius: 3px;
}}
QCheckBox::indicator:hover, QCheckBox::indicator:focus {{ border: 2px solid {p.accent}; }}
QCheckBox::indicator:checked {{
    background: {p.accent}; border-color: {p.accent}; image: url({marks["tick"]});
}}
/* Its edge is seen on a chosen row too, whose ground is that of the box. */
QAbstractItemView::indicator:checked {{
    background: {p.accent}; border-color: {p.on_accent}; image: url({marks["tick"]});
}}
QCheckBox::indicator:indeterminate, QAbstractItemView::indicator:indeterminate {{
    background: {p.accent}; border-color: {p.accent}; image: url({marks["dash"]});
}}
QCheckBox::indicator:disabled, QAbstractItemView::indicator:disabled {{ background: {p.window}; }}
QCheckBox::indicator:checked:disabled, QAbstractItemView::indicator:checked:disabled {{
    background: {p.muted}; border-color: {p.muted}; image: url({marks["tick-off"]});
}}
QCheckBox::indicator:indeterminate:disabled, QAbstractItemView::indicator:indeterminate:disabled {{
    background: {p.muted}; border-color: {p.muted}; image: url({marks["dash-off"]});
}}
QComboBox::drop-down {{
    subcontrol-origin: padding; subcontrol-position: center right;
    width: {line_px}px; border: 0;
}}
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{
    subcontrol-origin: padding; width: {line_px}px; border: 0;
    background: {p.raised};
}}
QAbstractSpinBox::up-button {{ subcontrol-position: top right; }}
QAbstractSpinBox::down-button {{ subcontrol-position: bottom right; }}
QAbstractSpinBox::up-button:hover, QAbstractSpinBox::down-button:hover {{ background: {p.border}; }}
QAbstractSpinBox::up-arrow, QAbstractSpinBox::down-arrow {{
    width: {round(0.45 * line_px)}px; height: {round(0.45 * line_px)}px;
}}
QComboBox::down-arrow, QToolButton::menu-indicator {{ width: {arrow}px; height: {arrow}px; }}
QAbstractSpinBox::up-arrow {{ image: url({marks["up"]}); }}
QAbstractSpinBox::down-arrow, QComboBox::down-arrow, QToolButton::menu-indicator {{
    image: url({marks["down"]});
}}
QAbstractSpinBox::up-arrow:disabled, QAbstractSpinBox::up-arrow:off {{
    image: url({marks["up-off"]});
}}
QAbstractSpinBox::down-arrow:disabled, QAbstractSpinBox::down-arrow:off,
QComboBox::down-arrow:disabled, QToolButton::menu-indicator:disabled {{
    image: url({marks["down-off"]});
}}
/* Where the tabs have no room the bar scrolls. */
QTabBar::scroller {{ width: {2 * arrow}px; }}
QTabBar QToolButton {{ padding: 0; }}
QTabBar QToolButton::left-arrow {{ image: url({marks["left"]}); }}
QTabBar QToolButton::right-arrow {{ image: url({marks["right"]}); }}
QTabBar QToolButton::left-arrow:disabled {{ image: url({marks["left-off"]}); }}
QTabBar QToolButton::right-arrow:disabled {{ image: url({marks["right-off"]}); }}
QToolButton[popupMode="2"] {{ padding-right: {arrow + 8}px; }}
QToolButton::menu-indicator {{
    subcontrol-origin: padding; subcontrol-position: center right; right: 4px;
}}
"""
