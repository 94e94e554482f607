"""The style sheet: what Fusion does not show clearly enough by itself."""

from gui.theme.palettes import Palette, Tone


def style_sheet(palette: Palette, size_pt: int) -> str:
    """Style sheet of the application."""
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
QLineEdit, QComboBox, QSpinBox, QDoubleSpinBox, QPlainTextEdit {{
    background: {p.surface}; color: {p.text}; border: 1px solid {p.border}; border-radius: 3px;
    padding: 2px 4px; selection-background-color: {p.accent}; selection-color: {p.on_accent};
}}
QLineEdit[edited="true"] {{
    border: 2px solid {p.accent}; font-style: italic; background: {p.raised};
}}
QLineEdit[wrong="true"] {{ border: 2px solid {tones[Tone.DANGER]}; color: {tones[Tone.DANGER]}; }}
QLineEdit[stale="true"] {{ color: {p.muted}; font-style: italic; }}
QLabel[role="muted"] {{ color: {p.muted}; }}
QLabel[role="wrong"] {{ color: {tones[Tone.DANGER]}; }}
QLabel[role="title"] {{ font-weight: bold; }}
QLabel[role="big"] {{ font-size: {2 * size_pt}pt; font-weight: bold; }}
QLabel[role="huge"] {{ font-size: {4 * size_pt}pt; font-weight: bold; }}
QLabel[stale="true"] {{ color: {p.muted}; font-style: italic; }}
QTabBar::tab {{
    background: {p.window}; color: {p.muted}; padding: 4px 10px; border: 1px solid {p.border};
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
#rig\\.stop {{
    background: {tones[Tone.DANGER]}; color: {p.on_danger}; font-weight: bold;
    font-size: {round(1.5 * size_pt)}pt; padding: 6px 22px; border: 2px solid {p.text};
}}
#rig\\.stop:disabled {{ background: {p.raised}; color: {p.muted}; border-color: {p.border}; }}
"""
